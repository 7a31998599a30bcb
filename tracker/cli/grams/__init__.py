"""Commands that show footprints and the tables behind them."""
