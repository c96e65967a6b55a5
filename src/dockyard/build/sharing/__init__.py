"""Results of steps in a directory that other roots and machines can use."""
