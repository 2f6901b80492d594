"""Chains of five tasks."""

from robovlms.worlds.tabletop.initial import InitialState

__all__ = ["InitialState"]
