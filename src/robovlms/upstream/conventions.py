"""What the numbers of published policies mean, by the data they were trained on.

CALVIN: Mees et al., arXiv 2112.03227, and ``robovlms.actions.calvin``; a static camera and one at the gripper.
BridgeData: ``robovlms.data.oxe``; the published code trains on its main camera alone.
"""

from dataclasses import dataclass

from robovlms.actions.calvin import RELATIVE_ACTIONS as CALVIN_ACTIONS
from robovlms.actions.spec import ActionSpec, Camera, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.data.oxe import BRIDGE
from robovlms.upstream.settings import Dataset
from robovlms.worlds.tabletop import conventions as tabletop


@dataclass(frozen=True)
class Conventions:
    """Actions, and the cameras by what the published code calls them; the hand camera comes first in a prompt."""

    name: str
    action_spec: ActionSpec
    static: Camera
    hand: Camera | None = None

    def observation_spec(self, use_hand: bool) -> ObservationSpec:
        """The cameras of a prompt, in its order; no state.

        Raises:
            UserError: there is no hand camera.
        """
        if use_hand and self.hand is None:
            raise UserError(f"The policy sees a hand camera; conventions '{self.name}' have none. Choose others.")
        cameras = (self.hand, self.static) if use_hand and self.hand else (self.static,)
        return ObservationSpec(cameras=cameras, rate_hz=self.action_spec.rate_hz)


def _tabletop() -> Conventions:
    static, wrist = tabletop.observation_spec().cameras
    return Conventions("tabletop", tabletop.ACTION_SPEC, static, wrist)


CONVENTIONS = {
    "calvin": Conventions(
        "calvin",
        CALVIN_ACTIONS,
        Camera(name="rgb_static", height=200, width=200),
        Camera(name="rgb_gripper", height=84, width=84),
    ),
    "tabletop": _tabletop(),
    "bridge": Conventions("bridge", BRIDGE.action_spec, Camera(name="image_0", height=256, width=256)),
}


def conventions(name: str | None, dataset: Dataset) -> Conventions:
    """By name, or what a training set has.

    Raises:
        UserError: no such name, or a training set whose conventions are not known.
    """
    chosen = name or ("calvin" if "Calvin" in dataset.type else dataset.data_mix or "")
    if chosen not in CONVENTIONS:
        known = ", ".join(CONVENTIONS)
        asked = f"'{name}'" if name else f"those of the training set ({dataset.type} {dataset.data_mix or ''})"
        raise UserError(f"Conventions {asked} are not known. Say with --conventions what its actions are: {known}.")
    return CONVENTIONS[chosen]
