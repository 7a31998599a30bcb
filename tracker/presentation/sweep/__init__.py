"""What the energy of several runs has bought, as a chart and a table."""
