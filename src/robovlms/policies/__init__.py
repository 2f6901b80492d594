"""Policies play action chunks in a world."""
