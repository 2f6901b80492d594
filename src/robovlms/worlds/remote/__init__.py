"""A world in another Python interpreter: simulators whose pins clash with ours, without a second installation of us."""
