"""Frozen pydantic configuration: canonical JSON, digest, files and ``--a.b.c value`` overrides."""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.constructor import ConstructorError

from robovlms.core.errors import CorruptData, UnknownName, UserError

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
        raise _explain(model, data, error) from None


def parse(model: type[C], data: Any, where: Path | str) -> C:
    """Build what a file holds; raises ``CorruptData`` naming ``where`` and the first wrong field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        place = f"field '{field}': " if field else ""
        raise CorruptData(f"{where}: {place}{first['msg']}, got {first.get('input')!r:.80}.") from None


def _explain(model: type[BaseModel], data: Mapping[str, Any], error: ValidationError) -> UserError:
    first = error.errors(include_url=False)[0]
    where, got, context = _option(first["loc"], data), first.get("input"), first.get("ctx", {})
    match first["type"]:
        case "extra_forbidden":
            return _unknown_field(model, where, first["loc"], _option(first["loc"][:-1], data))
        case "union_tag_invalid":
            return UnknownName(f"{where}.kind", context["tag"], re.findall(r"'(.*?)'", context["expected_tags"]))
        case "literal_error" if isinstance(got, str):
            return UnknownName(where, got, re.findall(r"'(.*?)'", context["expected"]))
        case "value_error":
            place = f"Setting '{where}': " if where else ""
            return UserError(f"{place}{context['error']}.".replace("..", "."))
    return UserError(f"Setting '{where}': {first['msg']}; got {got!r:.200}.")


def _unknown_field(model: type[BaseModel], where: str, location: Sequence[str | int], group: str) -> UnknownName:
    """The fields beside an unknown one are offered, and at the top the nearest of all."""
    beside = {f"{group}.{name}" if group else name for name in _fields_beside(model, location)}
    anywhere = set(_field_paths(model))
    near = [] if group else difflib.get_close_matches(where, anywhere, n=1, cutoff=0.5)
    remedy = "There is such a setting with another kind." if where in anywhere else ""
    return UnknownName("field", where, [*beside, *near], remedy)


def _fields_beside(model: type[BaseModel], location: Sequence[Any]) -> set[str]:
    """Names of the fields of the group a place is in; between a group's name and its field stands its kind."""
    found = [model]
    for part in location[:-1]:
        fields = [group.model_fields[part] for group in found if part in group.model_fields]
        inner = [one for field in fields for one in _models_in(field.annotation)]
        found = inner or [group for group in found if _kind(group) == part] or found
    return {name for group in found for name in group.model_fields}


def _kind(group: type[BaseModel]) -> Any:
    return group.model_fields["kind"].default if "kind" in group.model_fields else None


def _option(location: Sequence[str | int], data: Any) -> str:
    """The place as a user writes it: pydantic puts a group's ``kind`` between its name and its field."""
    parts = []
    for part in location:
        group = data if isinstance(data, Mapping) else dict(enumerate(data)) if isinstance(data, list | tuple) else {}
        if part not in group and group.get("kind") == part:
            continue
        parts.append(str(part))
        data = group.get(part)
    return ".".join(parts)


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
    for part in parents:
        if node.get(part) is None:  # absent, or a group that is off: setting one of its fields turns it on
            node[part] = {}
        child = node[part]
        if not isinstance(child, dict):
            raise UserError(f"Setting '{path}': '{part}' is a value, not a group of settings.")
        node = child
    return node
