"""Checkpoints of the published RoboVLMs code: read, turned into ours, and held against recorded outputs."""
