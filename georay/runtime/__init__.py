"""What touches Ray for every room: connecting, private clusters, progress."""
