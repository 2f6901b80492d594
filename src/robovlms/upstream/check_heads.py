"""Holds our heads, losses and action tokens against a kit of the published code's heads without a VLM."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robovlms.architectures.upstream_layout import pool
from robovlms.core.config import read_file
from robovlms.core.errors import UserError
from robovlms.heads.head import Features
from robovlms.heads.losses import gripper_loss, pose_loss
from robovlms.heads.upstream import UpstreamFCConfig, UpstreamGPTConfig, UpstreamHead, UpstreamLSTMConfig
from robovlms.upstream.check_bins import compare_bins, compare_discrete
from robovlms.upstream.check_maths import compare_maths
from robovlms.upstream.conventions import CALVIN_ACTIONS
from robovlms.upstream.importing import fill
from robovlms.upstream.kit import Comparison, read_kit
from robovlms.upstream.weights import read_weights, take

CONFIGS = {"FCDecoder": UpstreamFCConfig, "LSTMDecoder": UpstreamLSTMConfig, "GPTDecoder": UpstreamGPTConfig}
GRIPPER_WEIGHT = 0.01
"""Of the gripper's loss in the gradients that a kit records."""


def holds_heads(config: Path) -> bool:
    """Whether a configuration is one of heads alone."""
    return "heads" in read_file(config)


def check_heads(checkpoint: Path, config: Path, directory: Path) -> Comparison:
    """Compare our heads, filled from a file of the published code's, with a kit.

    Raises:
        UserError: the kit is damaged, or weights are missing, left over or of other shapes.
    """
    kit, weights, settings = read_kit(directory), read_weights(checkpoint), read_file(config)
    found = Comparison(kit.outputs)
    for name, arguments in settings["heads"].items():
        head = _build(name, arguments)
        fill(head, take(weights, f"{name}."), checkpoint)
        inputs = {
            key.removeprefix(f"{name}."): value for key, value in kit.inputs.items() if key.startswith(f"{name}.")
        }
        _compare_window(name, head, arguments, inputs, found)
        _compare_other_shapes(name, head, arguments, inputs, found)
        _compare_streams(name, head, arguments, inputs, found)
    if weights:
        raise UserError(f"{checkpoint} holds weights of no head in {config}: {', '.join(sorted(weights))}.")
    for name, tokenizer in settings.get("tokenizers", {}).items():
        compare_bins(name, tokenizer, kit, found)
    compare_discrete(settings.get("tokenizers", {}), kit, found)
    compare_maths(kit, found)
    return found


def _build(name: str, arguments: Mapping[str, Any]) -> UpstreamHead:
    kind = arguments["type"]
    if kind not in CONFIGS:
        raise UserError(f"Head '{name}' is a {kind}; expected one of {', '.join(CONFIGS)}.")
    config = CONFIGS[kind](
        num_slots=arguments["latent"], hidden=arguments["hidden_size"], gripper_weight=GRIPPER_WEIGHT
    )
    chunk, history = arguments["fwd_pred_next_n"], arguments.get("window_size", 1)
    return config.build(CALVIN_ACTIONS, chunk, arguments["in_features"], history).eval()


def _compare_window(
    name: str, head: UpstreamHead, arguments: Mapping[str, Any], inputs: Mapping[str, Tensor], found: Comparison
) -> None:
    poses, logits = head.outputs(_features(inputs["tokens"], arguments))
    found.add(f"{name}.train.arm", poses)
    found.add(f"{name}.train.gripper_logit", logits)
    gripper = inputs["gripper_label"][..., None]
    masks = {"nomask": torch.ones_like(inputs["mask"]), "mask": inputs["mask"]}
    for kind, mask in masks.items():
        arm = pose_loss(poses, inputs["arm_label"], mask, "huber")
        grip = gripper_loss(logits, gripper, mask)
        right = ((torch.sigmoid(logits) > 0.5).float() == gripper)[mask].float().mean()
        for part, value in {"loss_arm": arm, "loss_gripper": grip, "acc_gripper": right}.items():
            found.add(f"{name}.train.{kind}.{part}", value)
    (arm + GRIPPER_WEIGHT * grip).backward()
    prefix = f"{name}.train.grad."
    for theirs in [key for key in found.expected if key.startswith(prefix)]:
        gradient = head.get_parameter(theirs.removeprefix(prefix)).grad
        assert gradient is not None, theirs
        found.add(theirs, gradient)


def _compare_other_shapes(
    name: str, head: UpstreamHead, arguments: Mapping[str, Any], inputs: Mapping[str, Tensor], found: Comparison
) -> None:
    """One step without an axis of time, and one token of it without an axis of tokens (then a chunk is flat)."""
    steps = inputs["tokens"][:, :1]
    for axes, tokens in {3: steps, 2: steps[:, :, :1]}.items():
        if f"{name}.input{axes}d.arm" in found.expected:
            outputs = head.outputs(_features(tokens, arguments))
            for part, value in zip(("arm", "gripper_logit"), outputs, strict=True):
                key = f"{name}.input{axes}d.{part}"
                found.add(key, value.detach().reshape(found.expected[key].shape))


@torch.no_grad()
def _compare_streams(
    name: str, head: UpstreamHead, arguments: Mapping[str, Any], inputs: Mapping[str, Tensor], found: Comparison
) -> None:
    """Frame by frame, as a policy acts: the head reads a window that is padded until it is full."""
    tokens = inputs["stream_tokens"][:, None, None]
    for stream, order in {"stream_a": tokens, "stream_b": tokens.flip(0)}.items():
        if f"{name}.{stream}.arm" not in found.expected:
            continue
        steps = [_features(step, arguments) for step in order]
        length, history = len(found.expected[f"{name}.{stream}.arm"]), arguments.get("window_size", 1)
        said = [head.outputs(_window(steps[: now + 1], history)) for now in range(length)]
        for part, values in zip(("arm", "gripper_logit"), zip(*said, strict=True), strict=True):
            found.add(f"{name}.{stream}.{part}", torch.cat([value[:, -1] for value in values]))


def _window(past: list[Features], history: int) -> Features:
    steps = past[-history:]
    missing = history - len(steps)
    valid = torch.tensor([[False] * missing + [True] * len(steps)])
    return Features.windows([[steps[0]] * missing + steps], valid)


def _features(tokens: Tensor, arguments: Mapping[str, Any]) -> Features:
    """What a head reads of tokens (b, t, n, d): all of them, or their maxima."""
    valid = torch.ones(tokens.shape[:2], dtype=torch.bool)
    if arguments["down_sample"] == "none":
        return Features(tokens, valid)
    flat = tokens.flatten(0, 1)
    pooled = pool(flat, torch.ones(flat.shape[:2], dtype=torch.bool), arguments["latent"])
    return Features(pooled.unflatten(0, valid.shape), valid)
