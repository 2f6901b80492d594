"""The suites and how long each grants a task."""

from robovlms.core.errors import UnknownName

STEPS = {"libero_spatial": 220, "libero_object": 280, "libero_goal": 300, "libero_10": 520, "libero_90": 400}
"""Control steps granted: what the longest demonstration of a suite took and some, as OpenVLA's evaluation has it."""

PERTURBATIONS = ("lan", "object", "swap", "task")
"""LIBERO-PRO's: another wording, another object, objects that changed places, another task."""

SUITES = (*STEPS, *(f"{suite}_{kind}" for suite in STEPS if suite != "libero_90" for kind in PERTURBATIONS))


def suite_steps(suite: str) -> int:
    """Control steps a suite grants each task; a perturbed suite grants as many as the one it was made of.

    Raises:
        UnknownName: No such suite.
    """
    if suite not in SUITES:
        raise UnknownName("LIBERO suite", suite, SUITES)
    return next(steps for name, steps in STEPS.items() if suite.startswith(name))


def perturbed(suite: str) -> bool:
    """Whether it is one of LIBERO-PRO's."""
    return suite not in STEPS
