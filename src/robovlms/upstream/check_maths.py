"""Holds our scalings of actions and our windows against a kit's tables of the published code's.

A kit does not name the numbers it scaled with; they are read off two of its values. Left out, because the published
code is wrong there: the last row of a window under mu-law or standardising, which it keeps in the place of the last
column; the gripper where it is un-normalised like the arm; gripper values that are neither closed nor open.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from robovlms.actions.normalize import Normalizer
from robovlms.actions.scaling import Affine, Clip, MuLaw, Scaling
from robovlms.actions.statistics import ActionStatistics
from robovlms.data.window import WindowConfig, Windows, lay_out
from robovlms.upstream.conventions import CALVIN_ACTIONS
from robovlms.upstream.kit import Comparison, Kit

WINDOW, CHUNK, FIRST_FRAME = 4, 3, 100
"""Of a kit's tables of windows."""


def compare_maths(kit: Kit, found: Comparison) -> None:
    """Every table the kit has."""
    if "norm.action" in kit.inputs:
        _compare_ranges(kit, found)
        _compare_vectors(kit, found)
    if "gripper.raw" in kit.inputs:
        _compare_gripper(kit, found)
    if "chunk.sequence" in kit.inputs:
        _compare_windows(kit, found)


def _compare_ranges(kit: Kit, found: Comparison) -> None:
    actions, arm = kit.inputs["norm.action"], slice(0, 6)
    for name in ("all", "maintain_last", "asymmetric"):
        normalized = kit.outputs[f"norm.normalize_{name}"]
        slope, offset = _line(actions[:, 0], normalized[:, 0])
        scaling = Clip(low=(-1 - offset) / slope, high=(1 - offset) / slope)
        kept = torch.ones_like(actions, dtype=torch.bool)
        kept[:, 6] = name == "all"
        found.add(f"norm.normalize_{name}", scaling.normalize(actions), where=kept)
        if f"norm.unnormalize_{name}" in kit.outputs:
            back = scaling.denormalize(kit.outputs["norm.normalize_maintain_last"])
            kept = torch.zeros_like(kept)
            kept[:, arm] = True
            found.add(f"norm.unnormalize_{name}", back, where=kept)


def _compare_vectors(kit: Kit, found: Comparison) -> None:
    vector, arm = kit.inputs["norm.vector"], slice(0, 6)
    slope, offset = _line(vector[arm], kit.outputs["regularize.vector"][arm])
    standardised = Affine(offset=-offset / slope, scale=1 / slope).fit({})
    scalings: dict[str, Scaling] = {"mu_law": MuLaw(), "regularize": standardised}
    for name, scaling in scalings.items():
        for kind in ("vector", "window"):
            _compare_scaling(f"{name}.{kind}", scaling, kit, found)


def _compare_scaling(name: str, scaling: Scaling, kit: Kit, found: Comparison) -> None:
    values = kit.inputs[f"norm.{name.rpartition('.')[2]}"]
    scaled = torch.ones_like(values, dtype=torch.bool)
    scaled[-1] = False  # the published code keeps it: a vector's gripper, but a window's last row
    found.add(name, scaling.normalize(values), where=scaled)
    found.add(f"{name}_all", scaling.normalize(values))
    found.add(f"{name}_inverse", scaling.denormalize(kit.outputs[name]), where=scaled)


def _compare_gripper(kit: Kit, found: Comparison) -> None:
    raw = kit.inputs["gripper.raw"]
    statistics = ActionStatistics.of(np.array([[-1.0] * 7, [1.0] * 7]))
    labels = Normalizer(CALVIN_ACTIONS, statistics).normalize(raw[:, None].expand(-1, 7))[:, 6]
    for name in ("calvin", "oxe"):
        found.add(f"gripper.{name}_label", labels, where=raw.abs() == 1)


def _compare_windows(kit: Kit, found: Comparison) -> None:
    sequence = kit.inputs["chunk.sequence"]
    rows = torch.from_numpy(_windows(len(sequence), [WINDOW - 1], CHUNK).actions[0])
    for name in ("get_tensor_chunk_n3", "collater_unfold_n3"):
        found.add(f"chunk.{name}", sequence[rows])
    for padded in (True, False):
        name = f"chunk.episode_leftpad_{padded}"
        if (index := kit.outputs.get(f"{name}.index")) is None:
            continue
        length = int(index.max()) - FIRST_FRAME + 1
        laid = _windows(length, range(0 if padded else WINDOW - 1, length), CHUNK + 1)
        now = laid.actions[:, -1, 1:], laid.action_mask[:, -1, 1:]  # what follows the newest frame
        frames = np.concatenate([laid.frames, now[0]], axis=1)
        found.add(f"{name}.index", FIRST_FRAME + torch.from_numpy(frames))
        found.add(f"{name}.mask", torch.from_numpy(np.concatenate([laid.frame_valid, now[1]], axis=1)))


def _windows(length: int, ends: Sequence[int], chunk: int) -> Windows:
    """Windows of one episode."""
    newest = np.array(ends)
    config = WindowConfig(history=WINDOW, chunk=chunk)
    return lay_out(config, newest, np.zeros_like(newest), np.full_like(newest, length))


def _line(values: Tensor, scaled: Tensor) -> tuple[float, float]:
    """Slope and offset of a straight line, from two of its values that no clipping has touched."""
    inside = scaled.abs() != 1
    (x1, x2), (y1, y2) = values[inside][:2].tolist(), scaled[inside][:2].tolist()
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1
