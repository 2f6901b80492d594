"""Conventions are verified against the data: one file a check, each a pure function of what was examined."""
