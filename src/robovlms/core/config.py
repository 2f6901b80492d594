"""Frozen pydantic configuration: canonical JSON, digest, files and ``--a.b.c value`` overrides."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from robovlms.core.errors import UnknownName, UserError

C = TypeVar("C", bound="Config")


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown field is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

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
        raise _explain(model, error) from None


def _explain(model: type[BaseModel], error: ValidationError) -> UserError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return UnknownName("field", where, _field_paths(model))
    return UserError(f"Setting '{where}': {first['msg']}; got {first.get('input')!r}.")


def _field_paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    paths = []
    for name, info in model.model_fields.items():
        paths.append(prefix + name)
        for inner in _models_in(info.annotation):
            paths += _field_paths(inner, f"{prefix}{name}.")
    return paths


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [inner for arg in getattr(annotation, "__args__", ()) for inner in _models_in(arg)]


def read_file(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON mapping."""
    if not path.is_file():
        raise UserError(f"Configuration file {path} does not exist.")
    try:
        data = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is neither YAML nor JSON: {error}") from None
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
            if not rest:
                raise UserError(f"Setting '{flag}' has no value.")
            value = rest.pop(0)
        overrides[name.replace("-", "_")] = yaml.safe_load(value)
    return overrides


def merge(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with dotted ``overrides`` applied; order never matters, validation comes after.

    Overriding a ``kind`` with another one clears the settings beside it, which belonged to the old kind.
    """
    merged: dict[str, Any] = json.loads(json.dumps(data))
    for path, value in sorted(overrides.items(), key=lambda item: (not item[0].endswith("kind"), item[0])):
        *parents, leaf = path.split(".")
        node = _descend(merged, parents, path)
        if leaf == "kind" and node.get("kind") not in (None, value):
            node.clear()
        node[leaf] = value
    return merged


def _descend(node: dict[str, Any], parents: Sequence[str], path: str) -> dict[str, Any]:
    for part in parents:
        if node.get(part) is None:  # absent, or a group that is off: setting one of its fields turns it on
            node[part] = {}
        child = node[part]
        if not isinstance(child, dict):
            raise UserError(f"Setting '{path}': '{part}' is a value, not a group of settings.")
        node = child
    return node
