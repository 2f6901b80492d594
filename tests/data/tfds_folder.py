"""Writes folders as TensorFlow Datasets does, independently of our writer: from record_writer.h, example.proto and
the ``features.json`` of published data sets.
"""

import json
import struct

import numpy as np

from robovlms.data.rlds.tfrecord import masked_crc

CLASS = "tensorflow_datasets.core.features"


def frame(data):
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def message(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features):
    """The reference encoder: written from example.proto, independent of the reader."""
    kinds = {
        "bytes": lambda values: message(1, b"".join(message(1, value) for value in values)),
        "float": lambda values: message(2, message(1, struct.pack(f"<{len(values)}f", *values))),
        "int": lambda values: message(3, message(1, b"".join(varint(value % 2**64) for value in values))),
    }
    entries = [message(1, name.encode()) + message(2, kinds[kind](v)) for name, (kind, v) in features.items()]
    return message(1, b"".join(message(1, entry) for entry in entries))


def flat(value):
    """A value of a record as (kind, list): texts and files, floats, or whole numbers."""
    if isinstance(value, list) and (not value or isinstance(value[0], (bytes, str))):
        return "bytes", [item.encode() if isinstance(item, str) else item for item in value]
    array = np.asarray(value)
    return ("float" if array.dtype.kind == "f" else "int"), array.ravel().tolist()


def tensor(*shape, dtype="float32", encoding="none"):
    return {
        "pythonClassName": f"{CLASS}.tensor_feature.Tensor",
        "tensor": {"shape": {"dimensions": [str(size) for size in shape]}, "dtype": dtype, "encoding": encoding},
    }


def image(*shape, encoding=None):
    node = {"shape": {"dimensions": [str(size) for size in shape]}, "dtype": "uint8"}
    return {
        "pythonClassName": f"{CLASS}.image_feature.Image",
        "image": node | ({"encodingFormat": encoding} if encoding else {}),
    }


def text():
    return {"pythonClassName": f"{CLASS}.text_feature.Text", "text": {}}


def sequence(node, kind="sequence_feature.Sequence"):
    return {"pythonClassName": f"{CLASS}.{kind}", "sequence": {"feature": node, "length": "-1"}}


def features(**nodes):
    return {"pythonClassName": f"{CLASS}.features_dict.FeaturesDict", "featuresDict": {"features": nodes}}


def steps(**nodes):
    return sequence(features(**nodes), "dataset_feature.Dataset")


def write_folder(path, tree, shards, name="mine", template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"):
    """``shards``: for each file its records, each a dict of paths and values."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "features.json").write_text(json.dumps(tree))
    split = {"name": "train", "filepathTemplate": template, "shardLengths": [str(len(shard)) for shard in shards]}
    info = {"name": name, "version": "0.1.0", "fileFormat": "tfrecord", "splits": [split]}
    (path / "dataset_info.json").write_text(json.dumps(info))
    for number, shard in enumerate(shards):
        place = f"{number:05d}-of-{len(shards):05d}" if "X_OF_Y" in template else f"{number:05d}"
        data = [frame(example({key: flat(value) for key, value in record.items()})) for record in shard]
        (path / f"{name}-train.tfrecord-{place}").write_bytes(b"".join(data))
    return path
