"""Robots and their surroundings. One folder or file each."""
