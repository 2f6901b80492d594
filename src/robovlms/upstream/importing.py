"""From a published checkpoint, its configuration and its VLM's directory to a policy of ours. Nothing is left over."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from transformers import AutoConfig

from robovlms.actions.normalize import NormalizationConfig
from robovlms.backbones.adapters import is_vlm_weight
from robovlms.backbones.load import class_at
from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.upstream.conventions import Conventions, conventions
from robovlms.upstream.families import UpstreamFamily, upstream_family
from robovlms.upstream.model_config import model_config
from robovlms.upstream.names import is_causal_mask, our_name, their_name
from robovlms.upstream.normalization import action_statistics, scalings
from robovlms.upstream.settings import UpstreamSettings, read_settings
from robovlms.upstream.vlm_directory import require_model_type, with_weights
from robovlms.upstream.weights import Weights, read_weights


@dataclass(frozen=True)
class Source:
    """What is imported, and how.

    ``conventions`` says what the actions mean, where the training set does not. ``parity`` repeats what the original
    does wrong, too: padding that counts in training, and the scale of the gripper. ``max_text_tokens`` is the length
    that texts are padded to when the policy acts. ``statistics`` are those of the data set, for RLDS data.
    """

    checkpoint: Path
    config: Path
    vlm: Path
    conventions: str | None = None
    parity: bool = False
    max_text_tokens: int | None = None
    statistics: Path | None = None


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
    family.require(settings)
    require_model_type(source.vlm, family)
    meant = conventions(source.conventions, settings.train_dataset)
    statistics = action_statistics(settings, source.statistics, meant.action_spec.dims)
    weights = read_weights(source.checkpoint)
    with with_weights(source.vlm, family.weights(weights), family, settings) as directory:
        manifest = _manifest(settings, family, source, directory, meant)
        network = manifest.model.build(manifest.action_spec, manifest.observation_spec, directory)
    fill(network, weights, source.checkpoint)
    imported = {"file": source.checkpoint.name, "config": json.loads(source.config.read_text())}
    provenance = {"imported": imported, "experiment": {"executor": "first"}}
    return VLA(manifest, network.eval(), {meant.name: statistics}, provenance)


def fill(module: nn.Module, weights: Weights, path: Path) -> None:
    """Load what a module's VLM does not own: action token, head and resampler.

    Raises:
        UserError: something is missing, left over, or of another shape; all are listed by the file's names.
    """
    given = {our_name(name): value for name, value in weights.items() if not is_causal_mask(name, value)}
    expected = {name: value for name, value in module.state_dict().items() if not is_vlm_weight(name)}
    both = sorted(given.keys() & expected.keys())
    problems = {
        "missing": sorted(map(their_name, expected.keys() - given.keys())),
        "left over": sorted(map(their_name, given.keys() - expected.keys())),
        "of another shape": [
            f"{their_name(name)} {tuple(given[name].shape)} for {tuple(expected[name].shape)}"
            for name in both
            if given[name].shape != expected[name].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
        raise UserError(f"{path} does not fit its configuration. Weights {listed}.")
    module.load_state_dict(given, strict=False)


def _manifest(
    settings: UpstreamSettings, family: UpstreamFamily, source: Source, directory: Path, meant: Conventions
) -> VLAManifest:
    copy = directory / "vlm"
    tokenizer, _ = class_at(str(copy)).processors(copy)
    text = AutoConfig.from_pretrained(copy).get_text_config()
    return VLAManifest(
        model=model_config(settings, family, tokenizer, str(source.vlm), text, source.parity, source.max_text_tokens),
        action_spec=meant.action_spec,
        observation_spec=meant.observation_spec(settings.sees_hand),
        normalization=NormalizationConfig(default=scalings(settings)),
    )
