"""HDF5 files in the layouts of LIBERO, robomimic and ACT."""
