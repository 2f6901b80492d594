"""Readers and writers of robot data, windows, statistics and loaders."""
