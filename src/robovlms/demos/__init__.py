"""Collecting demonstrations with scripted experts."""
