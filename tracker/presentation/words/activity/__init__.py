"""What the devices of a run did, in words."""
