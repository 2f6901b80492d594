"""What a policy is shown, as its network reads it: a world's observations become a batch of single steps."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from robovlms.actions.spec import ObservationSpec, require_match
from robovlms.core.batch import Batch
from robovlms.core.errors import SpecMismatch, UserError
from robovlms.core.types import Observation
from robovlms.data.images import fit_image
from robovlms.policies.sound import require_finite, require_frame
from robovlms.policies.vla import VLA


class Eyes:
    """Reads observations of one embodiment, whose conventions are ``spec``, for the network of ``vla``."""

    def __init__(self, vla: VLA, spec: ObservationSpec):
        self.spec, self._vla = spec, vla
        self._columns: list[int] | None = None

    def bind(self, offered: ObservationSpec) -> None:
        """Find what is read in what a world shows.

        Raises:
            SpecMismatch: cameras, state or control rate mean something else there.
        """
        try:
            chosen = offered.select(self.spec.camera_names, self.spec.state_names)
        except UserError as error:
            raise SpecMismatch("The checkpoint", "the world", [str(error)]) from None
        require_match("The checkpoint", _without_sizes(self.spec), "the world", _without_sizes(chosen))
        self._columns = offered.columns(self.spec.state_names)

    def batch(self, observations: Sequence[Observation], instructions: Sequence[str]) -> Batch:
        """Windows of one step, a row an observation.

        Raises:
            UserError: a camera is missing, a frame is no RGB bytes, or a state has another length or is not finite.
        """
        rows, network = torch.arange(len(observations)), self._vla.manifest
        states = np.stack([self._state(one) for one in observations]).astype(np.float32)
        require_finite(states, "The state of an observation", "Leave the step out, or repair the sensor.")
        absent = network.observation_spec.state_dims - states.shape[1]
        states = np.pad(states, ((0, 0), (0, absent)), constant_values=np.nan)
        chunk, dims = self._vla.network.head.chunk, network.action_spec.dims
        return Batch(
            images=self._images(observations),
            frame_id=rows,
            frame_index=rows[:, None],
            frame_valid=torch.ones(len(rows), 1, dtype=torch.bool),
            instructions=tuple(instructions),
            instruction_index=rows,
            state=torch.from_numpy(states)[:, None],
            actions=torch.zeros(len(rows), 1, chunk, dims),
            action_mask=torch.zeros(len(rows), 1, chunk, dtype=torch.bool),
            dataset_id=torch.zeros(len(rows), dtype=torch.long),
            cameras=self._has_cameras(len(rows)),
        ).to(self._vla.device)

    def _images(self, observations: Sequence[Observation]) -> dict[str, UInt8[Tensor, "b h w 3"]]:
        """Images by the network's cameras; black where this embodiment has none."""
        known = self._vla.manifest.observation_spec.camera_names
        images = [self._frames(camera.name, observations) for camera in self.spec.cameras]
        images += [torch.zeros_like(images[0])] * (len(known) - len(images))
        return dict(zip(known, images, strict=True))

    def _has_cameras(self, rows: int) -> Bool[Tensor, "b n"] | None:
        known, own = len(self._vla.manifest.observation_spec.cameras), len(self.spec.cameras)
        return None if known == own else (torch.arange(known) < own).expand(rows, -1)

    def _state(self, observation: Observation) -> np.ndarray:
        """The components this policy was trained on: those ``bind`` found, else all, if there are as many."""
        if self._columns is not None:
            return observation.state[self._columns]
        wanted = self.spec.state_dims
        if len(observation.state) != wanted:
            names = ", ".join(self.spec.state_names)
            raise UserError(
                f"The state has {len(observation.state)} numbers, this policy reads {wanted} ({names}). "
                "Call bind(world.action_spec, world.observation_spec) first, or pass exactly these."
            )
        return observation.state

    def _frames(self, camera: str, observations: Sequence[Observation]) -> UInt8[Tensor, "b h w 3"]:
        frames = [observation.images.get(camera) for observation in observations]
        for frame in frames:
            if frame is None:
                raise UserError(f"Camera '{camera}' is missing from an observation this policy must see.")
            require_frame(frame, camera)
        spec = self._vla.image_spec
        return torch.from_numpy(np.stack([fit_image(frame, spec) for frame in frames if frame is not None]))


def _without_sizes(spec: ObservationSpec) -> ObservationSpec:
    cameras = tuple(camera.model_copy(update={"height": 0, "width": 0}) for camera in spec.cameras)
    return spec.model_copy(update={"cameras": cameras})
