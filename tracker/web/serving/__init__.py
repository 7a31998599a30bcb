"""It belongs here if it serves the pages, whatever they show: the connections and their limits, the token, and the log of the server."""
