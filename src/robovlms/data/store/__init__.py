"""Frames decoded once, in memory or in a folder that runs share."""
