"""What the golden outputs of Flamingo and Otter (``golden/flamingo.*``) were computed on: weights and frames by rule.

Only keys, shapes and outputs are kept. The reference implementations were filled with ``weight(key, shape)`` under the
keys they publish, and so are the directories that the tests write.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from robovlms.backbones.tiny.parts import byte_tokenizer

GOLDEN = Path(__file__).parent / "golden"
NUM_WORDS = len(byte_tokenizer())


def weight(key, shape):
    """The same numbers for the same key on any machine; activations keep their size, gates are open."""
    drawn = torch.tensor(np.random.default_rng(zlib.crc32(key.encode())).random(shape) - 0.5)
    if len(shape) > 1:
        drawn = drawn * (12 / drawn[0].numel()) ** 0.5
    else:
        drawn = 0.2 * drawn + (0 if key.endswith("bias") else 1)
    return drawn.float()


def weights(shapes):
    return {key: weight(key, shape) for key, shape in shapes.items()}


def frames(count, size=32):
    drawn = np.random.default_rng(7).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return torch.from_numpy(drawn)


def cases():
    """Settings, keys and token ids by case name."""
    return json.loads((GOLDEN / "flamingo.json").read_text())


def outputs(name):
    """The arrays of one case."""
    with np.load(GOLDEN / "flamingo.npz") as arrays:
        return {key.split("/")[1]: torch.from_numpy(arrays[key]) for key in arrays.files if key.startswith(f"{name}/")}


def write(case, directory):
    """The directory that the case's weights would have been published in."""
    for folder, files in case["files"].items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = directory / folder / name
            if name.endswith(".json"):
                path.write_text(json.dumps(content))
            elif name.endswith(".safetensors"):
                save_file(weights(content), path, metadata={"format": "pt"})
            else:
                torch.save(weights(content), path)
    byte_tokenizer(begins=case["begins"]).save_pretrained(directory / case["tokenizer"])
