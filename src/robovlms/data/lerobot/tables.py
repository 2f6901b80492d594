"""The parquet tables of a LeRobot data set; nothing imports this module before a data set is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # noqa: TID253 - see above

from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.encode import EncodedEpisode

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_NUMBERS = {"float32": pa.float32(), "int64": pa.int64()}


def data_schema(features: Mapping[str, Any]) -> pa.Schema:
    """Schema of the data files, with the metadata Hugging Face ``datasets`` looks for."""
    fields = []
    for name, feature in features.items():
        if feature["dtype"] == "image":
            fields.append(pa.field(name, _IMAGE))
        elif feature["dtype"] != "video":
            number = _NUMBERS[feature["dtype"]]
            vector = name in (fmt.STATE, fmt.ACTION)
            fields.append(pa.field(name, pa.list_(number, feature["shape"][0]) if vector else number))
    described = json.dumps({"info": {"features": fmt.hf_features(features)}})
    return pa.schema(fields, metadata={"huggingface": described})


def data_table(schema: pa.Schema, episode: EncodedEpisode, columns: Mapping[str, np.ndarray], index: int) -> pa.Table:
    """The frames of one episode."""
    arrays = []
    for field in schema:
        if field.name.startswith(fmt.IMAGES):
            files = episode.files[field.name.removeprefix(fmt.IMAGES)]
            suffix = episode.image_format
            names = [f"episode-{index:06d}-frame-{i:06d}.{suffix}" for i in range(len(files))]
            arrays.append(pa.StructArray.from_arrays([pa.array(files, pa.binary()), pa.array(names)], fields=[*_IMAGE]))
        elif columns[field.name].ndim == 2:
            flat = pa.array(columns[field.name].ravel(), field.type.value_type)
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, field.type.list_size))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def episodes_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """One row for each episode."""
    return pa.table({name: [row[name] for row in rows] for name in rows[0]})


def tasks_table(tasks: Sequence[str]) -> pa.Table:
    """The sentences with their numbers; pandas finds the sentences in the index, as lerobot expects."""
    text = {"pandas_type": "unicode", "numpy_type": "object"}
    described = {
        "index_columns": ["__index_level_0__"],
        "column_indexes": [{"name": None, "field_name": None, **text, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {"name": name, "field_name": field, **kind, "metadata": None}
            for name, field, kind in (
                ("task_index", "task_index", {"pandas_type": "int64", "numpy_type": "int64"}),
                (None, "__index_level_0__", text),
            )
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    table = pa.table({"task_index": np.arange(len(tasks)), "__index_level_0__": list(tasks)})
    return table.replace_schema_metadata({"pandas": json.dumps(described)})
