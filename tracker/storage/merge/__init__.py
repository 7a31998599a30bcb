"""Joining databases: the runs of files and servers are taken into another file or server."""
