"""The bundled tables: zones of the grid, hardware, and loads. Each row names its source."""
