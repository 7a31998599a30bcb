"""Changes that change the joules themselves, by a model: a power limit, another device, busier GPUs."""
