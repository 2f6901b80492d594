"""Where a chain's symbols put robot and scene: ``get_env_state_for_initial_condition`` of mees/calvin."""

from math import pi

import numpy as np

from robovlms.worlds.calvin.env import InitialState
from robovlms.worlds.calvin.symbolic import Symbols

ROBOT_OBS = np.array(
    (
        *(0.02586889, -0.2313129, 0.5712808, 3.09045411, -0.02908596, 1.50013585, 0.07999963),
        *(-1.21779124, 1.03987629, 2.11978254, -2.34205014, -0.87015899, 1.64119093, 0.55344928, 1.0),
    )
)
"""The tool's position (m) and Euler angles, the fingers' distance, seven joint angles and an open gripper: always."""

SLIDER_LEFT_M, DRAWER_OPEN_M, SWITCH_ON_RAD = 0.28, 0.22, 0.088

TABLE_M = ((5.00000896e-02, -1.20000177e-01, 4.59990009e-01), (2.29995412e-01, -1.19995140e-01, 4.59990010e-01))
CABINET_M = {
    "slider_left": (-2.40851662e-01, 9.24044687e-02, 4.60990009e-01),
    "slider_right": (7.03416330e-02, 9.24044687e-02, 4.60990009e-01),
}
YAW_RAD = (pi / 2 - pi / 8, pi / 2 + pi / 8)


def start_of(symbols: Symbols) -> InitialState:
    """The state that a chain begins with: blocks take the two places on the table in an order that its hash draws."""
    generator = np.random.RandomState(state_hash(symbols))
    order = [0, 1]
    generator.shuffle(order)
    yaws = generator.uniform(*YAW_RAD, len(symbols.blocks))
    scene = np.zeros(24)
    scene[:2] = SLIDER_LEFT_M * (symbols.slider == "left"), DRAWER_OPEN_M * (symbols.drawer == "open")
    scene[3:6] = SWITCH_ON_RAD * symbols.lightbulb, symbols.lightbulb, symbols.led
    taken = (0, int(symbols.blocks[0] == "table"), 1)  # pink never takes the first place
    for pose, place, yaw, number in zip(scene[6:].reshape(3, 6), symbols.blocks, yaws, taken, strict=True):
        pose[:3] = CABINET_M.get(place, TABLE_M[order[number]])
        pose[5] = yaw
    return InitialState(ROBOT_OBS.copy(), scene)


def state_hash(symbols: Symbols) -> int:
    """The hash of the state's values, as Python prints those of a dict."""
    *fixtures, blocks = symbols
    nothing_grasped = 0
    return pyhash_fnv1_32(f"dict_values({[*fixtures, *blocks, nothing_grasped]})")


def pyhash_fnv1_32(text: str) -> int:
    """Of pyhash, ``fnv1_32``: FNV-1 that starts at 0 and not at its offset, of UTF-16 with the low byte first."""
    value = 0
    for byte in text.encode("utf-16-le"):
        value = (value * 0x01000193 & 0xFFFFFFFF) ^ byte
    return value
