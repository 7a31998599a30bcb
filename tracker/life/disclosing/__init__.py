"""What a disclosure is made of, from the footprints of the runs of a life and the user's file."""
