"""Confidence intervals and resampling; numpy and scipy only."""
