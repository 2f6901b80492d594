"""From a published checkpoint, its configuration and its VLM's directory to a policy of ours. Nothing is left over."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from robovlms.actions.normalize import ActionStatistics
from robovlms.backbones.adapters import is_vlm_weight
from robovlms.backbones.load import class_at
from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.upstream.conventions import Conventions, conventions
from robovlms.upstream.families import UpstreamFamily, upstream_family
from robovlms.upstream.model_config import model_config
from robovlms.upstream.settings import UpstreamSettings, read_settings
from robovlms.upstream.vlm_directory import require_model_type, with_weights
from robovlms.upstream.weights import Weights, read_weights, take

CAUSAL = re.compile(r"(?:head\.)?gpt\.h\.\d+\.attn\.(bias|masked_bias)")
"""Buffers of the published GPT head that hold no weights: its causal mask, and what stands for minus infinity."""
RESAMPLER = (("vision_resampler.", "backbone.resampler."), (".0.norm_", ".norm_"), (".0.to_", ".to_"))
FEED_FORWARD = re.compile(r"(resampler\.layers\.\d+)\.1\.(\d+)\.")


@dataclass(frozen=True)
class Source:
    """What is imported, and how.

    ``conventions`` says what the actions mean, where the training set does not. ``parity`` repeats what the original
    does wrong, too: padding that counts in training, and the scale of the gripper.
    """

    checkpoint: Path
    config: Path
    vlm: Path
    conventions: str | None = None
    parity: bool = False


def import_checkpoint(source: Source, out: Path) -> Path:
    """Write a published checkpoint as a directory of ours, complete or not at all.

    Raises:
        UserError: bad input, weights that are missing, left over or of other shapes (all listed), or ``out`` is taken.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"Output {out} exists and is not empty. Choose another --out.")
    vla = read_policy(source)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    vla.save_pretrained(partial)
    if out.exists():
        out.rmdir()
    return partial.rename(out)


def read_policy(source: Source) -> VLA:
    """The policy of a published checkpoint.

    Raises:
        UserError: see ``import_checkpoint``.
    """
    settings = read_settings(source.config)
    family = upstream_family(settings.model)
    if settings.robovlm_name != family.name:
        raise UserError(f"{source.config}: model '{settings.model}' belongs to {family.name}, got robovlm_name "
                        f"'{settings.robovlm_name}'.")  # fmt: skip
    require_model_type(source.vlm, family)
    meant = conventions(source.conventions, settings.train_dataset.type)
    weights = read_weights(source.checkpoint)
    with with_weights(source.vlm, take(weights, "backbone."), family, settings) as directory:
        manifest = _manifest(settings, family, source, directory, meant)
        network = manifest.model.build(manifest.action_spec, manifest.observation_spec, directory)
    fill(network, weights, source.checkpoint)
    imported = {"file": source.checkpoint.name, "config": json.loads(source.config.read_text())}
    provenance = {"imported": imported, "experiment": {"executor": "first"}}
    return VLA(manifest, network.eval(), {settings.train_dataset.type: _range(settings)}, provenance)


def fill(module: nn.Module, weights: Weights, path: Path) -> None:
    """Load what a module's VLM does not own: action token, head and resampler.

    Raises:
        UserError: something is missing, left over, or of another shape; all are listed by the file's names.
    """
    given = {our_name(name): (name, value) for name, value in weights.items()}
    _drop_causal_masks(given, path)
    expected = {name: value for name, value in module.state_dict().items() if not is_vlm_weight(name)}
    problems = {
        "missing": sorted(expected.keys() - given.keys()),
        "left over": sorted(given[name][0] for name in given.keys() - expected.keys()),
        "of another shape": [
            f"{given[name][0]} {tuple(given[name][1].shape)} for {tuple(expected[name].shape)}"
            for name in sorted(given.keys() & expected.keys())
            if given[name][1].shape != expected[name].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
        raise UserError(f"{path} does not fit its configuration. Weights {listed}.")
    module.load_state_dict({name: value for name, (_, value) in given.items()}, strict=False)


def our_name(name: str) -> str:
    """Our name of a weight of the published code that is not its VLM's."""
    if name.startswith("act_head."):
        return name.replace("act_head.", "head.", 1)
    if name.startswith("vision_resampler."):
        for theirs, ours in RESAMPLER:
            name = name.replace(theirs, ours)
        return FEED_FORWARD.sub(r"\1.feed_forward.\2.", name)
    return name


def _drop_causal_masks(given: dict[str, tuple[str, Tensor]], path: Path) -> None:
    for name in [name for name in given if CAUSAL.fullmatch(name)]:
        theirs, value = given.pop(name)
        usual = torch.full_like(value, -1e4) if value.ndim == 0 else torch.ones_like(value).tril()
        if not torch.equal(value, usual):
            raise UserError(f"{path}: {theirs} is not the causal mask it should be, so the head would see another way.")


def _manifest(
    settings: UpstreamSettings, family: UpstreamFamily, source: Source, directory: Path, meant: Conventions
) -> VLAManifest:
    copy = directory / "vlm"
    tokenizer, _ = class_at(str(copy)).processors(copy)
    return VLAManifest(
        model=model_config(settings, family, tokenizer, str(source.vlm), source.parity),
        action_spec=meant.action_spec,
        observation_spec=meant.observation_spec(settings.use_hand_rgb),
        normalization="min_max" if settings.norm_action else "identity",
    )


def _range(settings: UpstreamSettings) -> ActionStatistics:
    """The fixed range of the arm's numbers, as statistics of no actions; the gripper's is its own."""
    low, high = (settings.norm_min,) * 6 + (-1.0,), (settings.norm_max,) * 6 + (1.0,)
    middle = tuple((a + b) / 2 for a, b in zip(low, high, strict=True))
    half = tuple((b - a) / 2 for a, b in zip(low, high, strict=True))
    return ActionStatistics(count=0, mean=middle, std=half, min=low, max=high, q01=low, q99=high)
