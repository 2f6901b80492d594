"""Frozen pydantic configuration: canonical JSON, digest, files and ``--a.b.c value`` overrides."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.constructor import ConstructorError

from robovlms.core.errors import CorruptData, UserError
from robovlms.core.explain import explained

C = TypeVar("C", bound="Config")


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown field is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of the canonical JSON; it names the run."""
        return digest_of(self.canonical())


def digest_of(text: str | bytes) -> str:
    """Sixteen hexadecimal digits of a SHA-256."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def validate(model: type[C], data: Mapping[str, Any]) -> C:
    """Build a configuration, turning pydantic's errors into one clear ``UserError``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explained(model, data, error) from None


def parse(model: type[C], data: Any, where: Path | str) -> C:
    """Build what a file holds; raises ``CorruptData`` naming ``where`` and the first wrong field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        place = f"field '{field}': " if field else ""
        raise CorruptData(f"{where}: {place}{first['msg']}, got {first.get('input')!r:.80}.") from None


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error: the first value would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are all different; raises ``ConstructorError`` naming the line of the second."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, f"'{key.value}' stands twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def read_file(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON mapping."""
    if not path.is_file():
        raise UserError(f"Configuration file {path} {'is a folder' if path.is_dir() else 'does not exist'}.")
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
        json.dumps(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not hold settings in YAML or JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: got {type(data).__name__} at the top, expected a mapping of settings.")
    return data


def parse_overrides(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse ``--a.b.c value`` and ``--a.b.c=value`` pairs; values are YAML scalars or lists."""
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        if not flag.startswith("--"):
            raise UserError(f"Unexpected argument '{flag}': settings look like --training.batch_size 32.")
        name, equals, value = flag[2:].partition("=")
        if not equals:
            value = rest.pop(0) if rest else ""
        if not name or not value:
            raise UserError(f"Setting '{flag}' has no {'value' if name else 'name'}; write it as --a.b.c value.")
        overrides[name.replace("-", "_")] = _value(flag, value)
    return overrides


def _value(flag: str, text: str) -> Any:
    try:
        value = yaml.safe_load(text)
        json.dumps(value)
    except (yaml.YAMLError, RecursionError, TypeError, ValueError):
        raise UserError(f"Setting '{flag}': got {text!r}, expected a number, a word or a list in YAML.") from None
    return value


def merge(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with dotted ``overrides`` applied; order never matters, validation comes after.

    Overriding a ``kind`` with another one clears the settings beside it, which belonged to the old kind.
    """
    merged: dict[str, Any] = json.loads(json.dumps(data))
    for path, value in sorted(overrides.items(), key=_kinds_first):
        *parents, leaf = path.split(".")
        node = _descend(merged, parents, path)
        if leaf == "kind" and node.get("kind") not in (None, value):
            node.clear()
        node[leaf] = value
    return merged


def _kinds_first(override: tuple[str, Any]) -> tuple[bool, int, str]:
    """An outer kind before an inner one, and both before what they would clear."""
    path, _ = override
    return path.rpartition(".")[2] != "kind", path.count("."), path


def _descend(node: dict[str, Any], parents: Sequence[str], path: str) -> dict[str, Any]:
    """The group a path ends in; a number is a place in a list (``data.0.cameras``)."""
    for part in parents:
        child = _entry(node, part, path) if isinstance(node, list) else node.get(part)
        if child is None:  # absent, or a group that is off: setting one of its fields turns it on
            child = node[part] = {}
        if not isinstance(child, dict | list):
            raise UserError(f"Setting '{path}': '{part}' is a value, not a group of settings.")
        node = child
    if isinstance(node, list):
        raise UserError(
            f"Setting '{path}': '{parents[-1]}' is a list. Give it whole, or a field of one of its entries."
        )
    return node


def _entry(entries: list[Any], part: str, path: str) -> Any:
    if not part.isdigit() or int(part) >= len(entries):
        raise UserError(f"Setting '{path}': got '{part}', expected one of the {len(entries)} entries, from 0.")
    return entries[int(part)]
