"""What runs in the training process while a run goes on."""
