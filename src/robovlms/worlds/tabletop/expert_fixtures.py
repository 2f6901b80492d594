"""Experts for slider, drawer, switch and button. All use closed fingers as one peg."""

import numpy as np

from robovlms.worlds.tabletop.env import Tabletop
from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL, PIVOT_Y
from robovlms.worlds.tabletop.motion import CLOSED, Motion, at_height, go, raised, reach

_PEG_HALF = np.array([0.0155, 0.013])
"""Half width along x and y of the closed fingers (m)."""
_KNOB_HALF = 0.011
_PUSH_Z = 0.042
_HOOK_Z = -0.04
_LEVER_Z = 0.078
_PRESS_M = 0.0005
"""Least over-travel at a stop, so that the fixture gets there and the tool does not stall against it."""


def move_slider(world: Tabletop, side: str) -> Motion:
    """Push the door's knob sideways from its far side, up to the stop."""
    away = 1.0 if side == "left" else -1.0  # where the tool stands, seen from the knob
    knob = world.fixtures()["slider"]
    offset = np.array([away * (_KNOB_HALF + _PEG_HALF[0]), 0.0, 0.0])
    clear = np.array([away * 0.02, 0.0, 0.0])
    yield from reach(world, at_height(knob + offset + clear, _PUSH_Z), CLOSED)
    left = DOOR_TRAVEL - world.state().slider if side == "left" else -world.state().slider
    stop = knob + offset - [left + away * _PRESS_M, 0.0, 0.0]
    yield from go(world, at_height(stop, _PUSH_Z), CLOSED, tolerance=0.003)


def move_drawer(world: Tabletop, opening: bool) -> Motion:
    """Lower the peg between the handle and the front, then pull the handle or push the front."""
    gap = world.fixtures()["drawer"]
    yield from reach(world, at_height(gap, _HOOK_Z), CLOSED)
    slack = 0.03 - _PEG_HALF[1]
    left = DRAWER_TRAVEL - world.state().drawer if opening else -world.state().drawer
    reached = slack + _PRESS_M if opening else -slack - _PRESS_M
    yield from go(world, at_height(gap - [0.0, left + reached, 0.0], _HOOK_Z), CLOSED, tolerance=0.003)


def turn_lever(world: Tabletop, up: bool) -> Motion:
    """Push the lever away (up) from its front, or towards the camera (down) from behind."""
    tip = world.fixtures()["switch"]
    side = -1.0 if up else 1.0
    start = tip + np.array([0.0, side * (0.015 + _PEG_HALF[1] + 0.009), 0.0])
    yield from reach(world, at_height(start, _LEVER_Z), CLOSED)
    pivot = world.simulation.model.body("switch").pos[1] + PIVOT_Y
    end = np.array([tip[0], pivot + (-0.012 if up else -0.002), _LEVER_Z])
    yield from go(world, end, CLOSED, tolerance=0.003)


def press_button(world: Tabletop) -> Motion:
    """Press the button down to its stop; one press toggles the LED."""
    button = world.fixtures()["button"]
    above, pressed = raised(button, 0.04), raised(button, 0.002)
    yield from reach(world, above, CLOSED)
    yield from go(world, pressed, CLOSED, tolerance=0.003)
