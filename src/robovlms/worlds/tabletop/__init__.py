"""The tabletop world: CALVIN's 34 tasks on MuJoCo primitives, scenes A to D, scripted experts, language and chains."""

from robovlms.worlds.tabletop.conventions import ACTION_SPEC, WORLD_VERSION, observation_spec
from robovlms.worlds.tabletop.env import Tabletop

__all__ = ["ACTION_SPEC", "WORLD_VERSION", "Tabletop", "observation_spec"]
