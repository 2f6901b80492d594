"""From an experiment to a checkpoint."""
