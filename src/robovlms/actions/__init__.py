"""What actions and observations mean, how they are normalised, and how they become tokens."""
