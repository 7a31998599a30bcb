"""It belongs here if it asks the operating system who or what this process, job or computer is."""
