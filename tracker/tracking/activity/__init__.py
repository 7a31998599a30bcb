"""What the devices do beside drawing power: GPUs and processors are looked at, and this is added up and stored."""
