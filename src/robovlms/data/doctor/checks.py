"""All checks in the order their findings are shown."""

from collections.abc import Callable, Mapping

from robovlms.core.errors import UserError
from robovlms.data.doctor import (
    check_axes,
    check_cameras,
    check_ends,
    check_frames,
    check_gripper,
    check_language,
    check_leak,
    check_reading,
    check_scale,
    check_stalled,
    check_stored,
    check_timing,
    check_units,
    check_values,
)
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding

CHECKS: Mapping[str, Callable[[Examined], list[Finding]]] = {
    "values": check_values.check,
    "units": check_units.check,
    "reading": check_reading.check,
    "scale": check_scale.check,
    "timing": check_timing.check,
    "axes": check_axes.check,
    "gripper": check_gripper.check,
    "stalled": check_stalled.check,
    "cameras": check_cameras.check,
    "frames": check_frames.check,
    "language": check_language.check,
    "ends": check_ends.check,
    "statistics": check_stored.check,
    "leak": check_leak.check,
}


def diagnose(data: Examined) -> list[Finding]:
    """What all checks find; nothing where there is no episode to look at."""
    return [finding for name in CHECKS for finding in _run(name, data)] if data.recordings else []


def _run(name: str, data: Examined) -> list[Finding]:
    """A check's findings; numbers that it cannot read at all are one, too."""
    try:
        return CHECKS[name](data)
    except UserError as error:
        return [Finding(name, "error", str(error), "numbers that mean something", "Leave these episodes out.")]
