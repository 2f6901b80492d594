"""BridgeData V2 (WidowX) in three versions: two readings of the authors' own copy, and the copy in Open X-Embodiment.

Sources: arXiv 2308.12952, section IV; ``bridge_orig_dataset_transform`` and ``bridge_oxe_dataset_transform`` of openvla
(c8f03f4), which upstream RoboVLMs trains with; ``docs/catalog/bridge.md`` of tensorflow_datasets.
"""

from collections.abc import Mapping

import numpy as np

from robovlms.data.oxe.components import (
    BASE,
    METRES,
    RADIANS,
    RPY,
    UNIT_RANGE,
    Action,
    State,
    fingers,
    gripper,
    position,
    rotation,
    state,
)
from robovlms.data.oxe.convention import Convention, static
from robovlms.data.oxe.numbers import Numbers, apply, take
from robovlms.data.oxe.oddities import angle_differences, binary_gripper, differences

RATE_HZ = 5.0
STATE: tuple[State, ...] = (
    state("position", 3, take("observation/state", 0, 3), unit="m", frame="base"),
    state("rotation", 3, take("observation/state", 3, 6), unit="rad", frame="base", rotation="euler_xyz"),
    fingers(take("observation/state", 6, 7)),
)
CAMERAS = tuple(static(f"image_{number}") for number in range(4))


def _pose(position_numbers: Numbers, rotation_numbers: Numbers, reference: str) -> tuple[Action, Action]:
    to = {"reference": reference} | BASE
    return (
        position(position_numbers, **METRES, **UNIT_RANGE, **to),
        rotation(rotation_numbers, **RADIANS, **RPY, **to, low=-np.pi, high=np.pi),
    )


REACHED = _pose(
    apply(differences, take("observation/state", 0, 3)),
    apply(angle_differences, take("observation/state", 3, 6)),
    "measured",
)
COMMANDED = _pose(take("action", 0, 3), take("action", 3, 6), "commanded")
BINARY = gripper(apply(binary_gripper, take("action", 6)))

BRIDGE = Convention(
    cameras=CAMERAS,
    actions=(*COMMANDED, BINARY),
    state=STATE,
    rate_hz=RATE_HZ,
    note="actions as commanded, added to the pose commanded before; octo and openvla take what was reached",
)
BRIDGE_DATA: Mapping[str, Convention] = {
    "bridge_dataset": BRIDGE,
    "bridge_orig": Convention(
        cameras=CAMERAS,
        actions=(*REACHED, BINARY),
        state=STATE,
        rate_hz=RATE_HZ,
        first=1,
        last=1,
        note="bridge_dataset as openvla reads it: actions are what was reached",
    ),
    "bridge": Convention(
        cameras=(static("image"),),
        actions=(*REACHED, gripper(take("action/open_gripper"))),
        state=STATE,
        rate_hz=RATE_HZ,
        language="observation/natural_language_instruction",
        first=1,
        last=1,
        note="the copy in Open X-Embodiment (openvla: bridge_oxe); actions are what was reached",
    ),
}
