"""What a local file owes a server: the runs that are to be brought there, and the process that brings them."""
