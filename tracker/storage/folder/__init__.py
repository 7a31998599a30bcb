"""A folder with a file for each host, read as one database: a cache, brought up to date before each read, has the runs of all files."""
