"""The same runs under other circumstances: another place, hour, site, or life of the hardware."""
