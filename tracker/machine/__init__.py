"""Questions to the operating system: who and what this process, its job and this computer are."""
