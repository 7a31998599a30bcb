"""It belongs here if it runs in the training process while a run goes on."""
