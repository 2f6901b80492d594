r"""Vision-language data in LLaVA's format: a JSON list of conversations about images in a folder.

```
[{"id": "1", "image": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat is it?"},
                                                      {"from": "gpt", "value": "A cup."}, ...]}, ...]
```
Source: ``docs/Finetune_Custom_Data.md`` of haotian-liu/LLaVA. Each question is asked by itself, with its image; those
before it in the conversation are not told. An entry without ``image`` is about none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from robovlms.core.config import Config, digest_of
from robovlms.core.errors import CorruptData
from robovlms.core.files import inside, read_json

IMAGE = "<image>"
ROLES = ("human", "gpt")


class VLDataConfig(Config):
    """Questions about images among the batches of a run."""

    path: Path
    """The JSON file."""
    images: Path | None = None
    """Folder that the images' paths start from; that of the file when None."""
    weight: float = Field(0.1, ge=0, lt=1)
    """Share of the batches that are questions, evenly spread; 0 leaves the data out."""
    loss_weight: float = Field(1.0, gt=0)
    """Factor of their loss."""
    max_answer_tokens: int = Field(64, ge=2)
    """Longer answers are cut."""

    def open(self) -> "Conversations":
        """Read all texts, and see that the images are there."""
        return Conversations(self.path, self.images or self.path.parent)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, its answer, and the image it is about, if any."""

    image: Path | None
    text: str
    answer: str


class Conversations:
    """The questions of a file, in its order."""

    def __init__(self, path: Path, images: Path):
        """Read the file.

        Raises:
            CorruptData: It is damaged, or an entry is no conversation, or its image is missing or outside the folder;
                names the entry.
        """
        self.path = path
        self.questions = [
            question
            for number, entry in enumerate(read_json(path, kind=list))
            for question in _questions(entry, images, f"{path}, entry {number}")
        ]
        if not self.questions:
            raise CorruptData(f"{path} holds no question.")

    def __len__(self) -> int:
        return len(self.questions)

    def fingerprint(self) -> str:
        """Changes when the texts do."""
        return digest_of(self.path.read_bytes())


def _questions(entry: Any, images: Path, where: str) -> Iterator[Question]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("conversations"), list):
        raise CorruptData(f"{where}: got {entry!r:.80}, expected an object with a list 'conversations'.")
    turns = entry["conversations"]
    texts = [_text(turn, ROLES[place % 2], f"{where}, turn {place}") for place, turn in enumerate(turns)]
    if not texts or len(texts) % 2:
        raise CorruptData(f"{where}: got {len(texts)} turns, expected questions and answers in turn.")
    image = _image(entry["image"], images, where) if "image" in entry else None
    marks = [text.count(IMAGE) for text in texts]
    if marks[0] != (image is not None) or any(marks[1:]):
        expected = "one, in its first turn, for its image" if image else "none, as there is no image"
        raise CorruptData(f"{where}: got {sum(marks)} marks {IMAGE}, expected {expected}.")
    words = [text.replace(IMAGE, "").strip() for text in texts]
    if not all(words):
        raise CorruptData(f"{where}, turn {words.index('')}: there is no text.")
    for question, answer in zip(words[::2], words[1::2], strict=True):
        yield Question(image, question, answer)


def _text(turn: Any, role: str, where: str) -> str:
    if not isinstance(turn, Mapping) or turn.get("from") != role or not isinstance(turn.get("value"), str):
        raise CorruptData(f"{where}: got {turn!r:.80}, expected from '{role}' and a text as its value.")
    return turn["value"]


def _image(relative: Any, images: Path, where: str) -> Path:
    if not isinstance(relative, str):
        raise CorruptData(f"{where}: got image {relative!r:.80}, expected a path.")
    path = inside(images, relative, where)
    if not path.is_file():
        raise CorruptData(f"{where}: image {path} is missing. Set images to the folder that paths start from.")
    return path
