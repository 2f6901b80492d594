"""Rollouts, protocols and results."""
