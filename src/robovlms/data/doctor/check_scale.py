"""Units and rate: does the robot move as far as its actions ask?"""

from robovlms.data.doctor.check_reading import NOTHING
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.readings import GOAL, ORIENTATION, Readings, position_readings, rotation_readings

MOST = 1.5
LEAST = {"commanded": 0.6, "measured": 0.15, "none": 0.15}
"""Least share of the asked motion that is seen, by what deltas are added to: a measured pose is left behind by a
controller that has not arrived when the next delta is added to it (robosuite's OSC moves about a third)."""
FACTORS = {
    1000.0: "millimetres against metres",
    100.0: "centimetres against metres",
    57.2958: "degrees against radians",
}


def check(data: Examined) -> list[Finding]:
    """The ratio of the motion seen to the motion asked for, position and rotation."""
    found = []
    for readings in (position_readings(data), rotation_readings(data)):
        # Goals far ahead are not reached in a step, so absolute actions say nothing about the scale.
        if readings and _has_scale(readings) and readings.motion.agreement() > 2 * NOTHING:
            found += _compare(readings)
    return found


def _has_scale(readings: Readings) -> bool:
    return readings.declared not in (GOAL, ORIENTATION) and readings.component.unit != "1"


def _compare(readings: Readings) -> list[Finding]:
    gain, component = readings.motion.gain(), readings.component
    least = LEAST[component.reference]
    if least <= gain <= MOST:
        return []
    seen = f"the robot moves {gain:.3g} times as far as '{component.name}' asks for (scale {component.scale:g})"
    remedy = _reason(gain)
    return [Finding("scale", "error", seen, f"{least:g} to {MOST:g} times", remedy)]


def _reason(gain: float) -> str:
    for factor, words in FACTORS.items():
        if 0.6 < gain / factor < 1.6 or 0.6 < gain * factor < 1.6:
            return f"This factor is that of {words}: correct the unit or the scale in the specs, or convert the data."
    return (
        "Correct the scale in the specs; or frames were left out without adding up their actions, or the rate is "
        "another: record or convert the data at one rate."
    )
