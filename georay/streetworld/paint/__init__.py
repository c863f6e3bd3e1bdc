"""What draws the things of a street, from the sky to the plates of its cars."""
