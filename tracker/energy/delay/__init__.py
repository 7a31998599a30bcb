"""What a sensor shows late, and the energy that this adds at the start and the end of a run."""
