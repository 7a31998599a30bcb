"""The processes of `trainwatt run`: the command, and the process that measures.

The process that the user starts has a third part. It waits for the command, passes signals on and ends like the command; it loads no driver
and no sensor, and opens no database. These may hang, crash, change signals, or end processes, and the command keeps its exit code and its
signals.
"""
