"""What a sensor shows late at the start and at the end of a window, and the energy that this adds."""
