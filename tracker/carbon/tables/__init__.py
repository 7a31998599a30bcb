"""The bundled tables: grids, hardware and loads."""
