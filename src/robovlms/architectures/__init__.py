"""How a window of observations is laid out as a prompt."""
