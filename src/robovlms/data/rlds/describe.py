"""The descriptions of an RLDS folder that we write: ``features.json`` and ``dataset_info.json``.

Sources: ``core/proto/feature.proto`` and ``dataset_info.proto`` of tensorflow_datasets, and the files of published data
sets. Numbers in a protobuf's JSON are strings where they have 64 bits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.data.rlds.convention import RLDSConvention

TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
VERSION = "1.0.0"
STATE = "observation/state"
_CLASS = "tensorflow_datasets.core.features."
Node = dict[str, Any]


def features(action_spec: ActionSpec, observation_spec: ObservationSpec, image_format: str) -> Node:
    """What a record holds: RLDS's usual features, and a task, a source and further information on the episode."""
    cameras = {c.name: _image(c.height, c.width, image_format) for c in observation_spec.cameras}
    state = {"state": _tensor(observation_spec.state_dims)} if observation_spec.state_dims else {}
    steps = {
        "action": _tensor(action_spec.dims),
        "discount": _tensor(),
        "is_first": _tensor(dtype="bool"),
        "is_last": _tensor(dtype="bool"),
        "is_terminal": _tensor(dtype="bool"),
        "language_instruction": _text(),
        "observation": _dict(cameras | state),
        "reward": _tensor(),
    }
    metadata = {"file_path": _text(), "info": _text(), "task": _text()}
    sequence = {"feature": _dict(steps), "length": "-1"}
    named: Node = {"pythonClassName": f"{_CLASS}dataset_feature.Dataset", "sequence": sequence}
    return _dict({"episode_metadata": _dict(metadata), "steps": named})


def convention(action_spec: ActionSpec, observation_spec: ObservationSpec) -> RLDSConvention:
    """What those features mean, for readers of ours."""
    has_state = observation_spec.state_dims > 0
    return RLDSConvention(
        action_spec=action_spec,
        cameras=observation_spec.camera_names,
        state=observation_spec.state,
        state_features=(STATE,) if has_state else (),
    )


def dataset_info(
    name: str, split: str, shard_lengths: Sequence[int], num_bytes: int, provenance: Mapping[str, Any]
) -> Node:
    """The data set's name, version, and the records of each file."""
    described = {
        "name": split,
        "filepathTemplate": TEMPLATE,
        "shardLengths": [str(length) for length in shard_lengths],
        "numBytes": str(num_bytes),
    }
    return {
        "name": name,
        "version": VERSION,
        "fileFormat": "tfrecord",
        "description": "Written by robovlms. " + ", ".join(f"{key}: {value}" for key, value in provenance.items()),
        "releaseNotes": {VERSION: "Initial release."},
        "splits": [described],
    }


def _dict(nodes: Mapping[str, Node]) -> Node:
    return {"pythonClassName": f"{_CLASS}features_dict.FeaturesDict", "featuresDict": {"features": dict(nodes)}}


def _tensor(*shape: int, dtype: str = "float32") -> Node:
    dimensions: Node = {"dimensions": [str(size) for size in shape]} if shape else {}
    tensor = {"shape": dimensions, "dtype": dtype, "encoding": "none"}
    return {"pythonClassName": f"{_CLASS}tensor_feature.Tensor", "tensor": tensor}


def _text() -> Node:
    return {"pythonClassName": f"{_CLASS}text_feature.Text", "text": {}}


def _image(height: int, width: int, image_format: str) -> Node:
    shape = {"dimensions": [str(height), str(width), "3"]}
    image = {"shape": shape, "dtype": "uint8", "encodingFormat": image_format}
    return {"pythonClassName": f"{_CLASS}image_feature.Image", "image": image}
