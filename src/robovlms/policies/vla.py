"""A trained policy as one object: network, conventions, statistics; saved as one directory, never as a pickle.

```
CHECKPOINT/
  config.json              schema version, model configuration, conventions, digest
  vlm/                     an ordinary Hugging Face directory (absent for policies without a VLM)
  model.safetensors        everything the VLM does not own: slots, head, state encoder, adapters, resampler
  action_statistics.json   by embodiment
  fast_tokenizer.json      what a head learned of its data that is no parameter (``fast`` alone has it)
  experiment.json          where it came from: the experiment, its data, library versions (optional)
  training/                optimizer, schedule, random states, cursor (optional, see training.checkpoint)
```
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from safetensors.torch import save_file

from robovlms.actions.embodiments import Conventions, PlacedNormalizer
from robovlms.actions.normalize import NormalizationConfig, Normalizer
from robovlms.actions.spec import ActionSpec, ImageSpec, ObservationSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.architecture import Architecture
from robovlms.architectures.model import ModelConfig, UpstreamConfig, VLAConfig, image_spec, vlm
from robovlms.backbones.fitted import Fitted
from robovlms.core.batch import Batch
from robovlms.core.config import Config, parse
from robovlms.core.device import require_device
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.files import read_json, write_json
from robovlms.data.stats import load_statistics, save_statistics
from robovlms.heads.head import Losses
from robovlms.policies.checkpoint_files import WEIGHTS, load_own_weights, locate, own_weights

if TYPE_CHECKING:
    from robovlms.policies.model_policy import ModelPolicy

SCHEMA_VERSION = 1
STATISTICS = "action_statistics.json"
PROVENANCE = "experiment.json"


class VLAManifest(Config):
    """``config.json`` of a checkpoint."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: ModelConfig = Field(discriminator="kind")
    action_spec: ActionSpec
    observation_spec: ObservationSpec
    normalization: NormalizationConfig = NormalizationConfig()
    embodiments: Mapping[str, Conventions] = Field(default_factory=dict)
    """What the numbers of each embodiment mean, where they differ: the specs above are then the network's."""

    def conventions(self, embodiment: str) -> Conventions:
        """What the numbers of an embodiment mean."""
        alike = Conventions(action_spec=self.action_spec, observation_spec=self.observation_spec)
        return self.embodiments.get(embodiment, alike)


def manifest_of(source: str | Path) -> VLAManifest:
    """What a checkpoint says of itself; no weight is read.

    Raises:
        UserError: As ``VLA.from_pretrained``.
    """
    described = locate(source) / "config.json"
    return parse(VLAManifest, read_json(described), described)


class VLA:
    """A policy network with everything needed to act: conventions and action statistics travel with the weights."""

    def __init__(
        self,
        manifest: VLAManifest,
        network: Architecture,
        statistics: Mapping[str, ActionStatistics],
        provenance: Mapping[str, Any] | None = None,
    ):
        """Put the parts together.

        Raises:
            UserError: no statistics, or some that do not fit the actions.
        """
        self.manifest, self.network, self.statistics = manifest, network, dict(statistics)
        self.provenance = dict(provenance or {})
        self._normalizers = normalizers(manifest, statistics)

    @classmethod
    def create(cls, manifest: VLAManifest, statistics: Mapping[str, ActionStatistics]) -> "VLA":
        """A new policy: the configured VLM, everything else initialised at random."""
        network = manifest.model.build(manifest.action_spec, manifest.observation_spec)
        return cls(manifest, network, statistics)

    @classmethod
    def from_pretrained(cls, source: str | Path) -> "VLA":
        """Load a checkpoint directory, a training run (its newest checkpoint), or a hub id.

        Raises:
            UserError: nothing loadable there, weights that do not fit (keys are listed), or statistics that do not.
        """
        directory, manifest = locate(source), manifest_of(source)
        network = manifest.model.build(manifest.action_spec, manifest.observation_spec, directory)
        load_own_weights(network, directory / WEIGHTS)
        statistics = load_statistics(directory / STATISTICS)
        network.eval()
        provenance = read_json(directory / PROVENANCE) if (directory / PROVENANCE).is_file() else None
        return cls(manifest, network, statistics, provenance)

    def save_pretrained(self, directory: str | Path) -> None:
        """Write the checkpoint into an empty or new directory (not atomic by itself: see training.checkpoint)."""
        target = Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        write_json(target / "config.json", self.manifest.model_dump(mode="json"))
        save_statistics(target / STATISTICS, self.statistics)
        self.network.head.save(target)
        if self.provenance:
            write_json(target / PROVENANCE, self.provenance)
        save_file(own_weights(self.network), str(target / WEIGHTS))
        if backbone := vlm(self.network):
            backbone.save(target / "vlm")

    def merge_adapters(self) -> None:
        """Add LoRA's adapters, if there are any, to the VLM's weights: faster acting, and a ``vlm/`` that stands alone.

        Frozen weights of a bfloat16 policy round what they are given, by less than one in 256.
        """
        model, backbone = self.manifest.model, vlm(self.network)
        if isinstance(backbone, Fitted) and isinstance(model, VLAConfig | UpstreamConfig):
            backbone.merge_adapters()
            merged = model.model_copy(update={"backbone": model.backbone.model_copy(update={"lora": None})})
            self.manifest = self.manifest.model_copy(update={"model": merged})

    def for_acting(self, device: str = "auto") -> "VLA":
        """This policy where it will run, and good for acting alone: what computes in bfloat16 is kept in it.

        Args:
            device: ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` is the first GPU, or the CPU where there is none.

        Raises:
            UserError: there is no such device here.
        """
        place = require_device(device)
        self.network.requires_grad_(False)
        backbone = vlm(self.network)
        if isinstance(backbone, Fitted):
            backbone.halve()
        self.network.to(place)
        return self

    def policy(self, executor: str = "chunk:4", embodiment: str | None = None, batch_size: int = 16) -> "ModelPolicy":
        """A policy that acts with this network.

        Args:
            executor: ``first``, ``chunk:k``, ``ensemble:decay`` or ``rtc:k``, and a latency if any: ``chunk:k@d``.
            embodiment: Whose statistics undo the normalisation; may be left out when there is only one.
            batch_size: The fixed, padded shape the network always runs at.
        """
        from robovlms.policies.model_policy import ModelPolicy

        return ModelPolicy(self, self.normalizer(embodiment), executor, batch_size, self._name(embodiment))

    def loss(self, batch: Batch) -> Losses:
        """The training loss of a batch."""
        return self.network.loss(batch)

    def normalizer(self, embodiment: str | None = None) -> Normalizer:
        """The action normaliser of an embodiment."""
        return self._normalizers[self._name(embodiment)]

    def _name(self, embodiment: str | None) -> str:
        names = sorted(self._normalizers)
        if embodiment is None and len(names) > 1:
            raise UserError(f"This checkpoint knows {len(names)} embodiments; say which one: {', '.join(names)}.")
        name = embodiment or names[0]
        if name not in self._normalizers:
            raise UnknownName("embodiment", name, names)
        return name

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def image_spec(self) -> ImageSpec:
        """The pixels the network wants."""
        return image_spec(self.network, self.manifest.observation_spec)


def normalizers(manifest: VLAManifest, statistics: Mapping[str, ActionStatistics]) -> dict[str, Normalizer]:
    """The action normaliser of each embodiment.

    Raises:
        UserError: there is none, or one's statistics do not fit the actions; names the embodiment.
    """
    if not statistics:
        raise UserError("A policy needs action statistics of at least one embodiment: got none.")
    found = {}
    for name, values in statistics.items():
        try:
            found[name] = _normalizer(manifest, name, values)
        except UserError as error:
            raise UserError(f"Embodiment '{name}': {error}") from None
    return found


def _normalizer(manifest: VLAManifest, name: str, statistics: ActionStatistics) -> Normalizer:
    if not manifest.embodiments:
        return Normalizer(manifest.action_spec, statistics, manifest.normalization)
    if name not in manifest.embodiments:
        raise UnknownName("embodiment", name, manifest.embodiments)
    own = manifest.embodiments[name].action_spec
    return PlacedNormalizer(own, statistics, manifest.normalization, manifest.action_spec)
