"""BDRBench-20."""
