"""Meta-World: 50 tasks of a simulated Sawyer arm, from the package ``metaworld``.

Runs under another interpreter too, with that package and without any of ours: only ``conventions`` needs pydantic.
"""
