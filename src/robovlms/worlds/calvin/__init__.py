"""CALVIN: the user's clones of mees/calvin_env and mees/calvin, opened where they lie. Nothing of theirs is here."""

from robovlms.worlds.calvin.clones import Clones, find_clones
from robovlms.worlds.calvin.env import CALVIN, InitialState

__all__ = ["CALVIN", "Clones", "InitialState", "find_clones"]
