"""Pydantic's errors in a user's words."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from robovlms.core.errors import UnknownName, UserError


def explained(model: type[BaseModel], data: Mapping[str, Any], error: ValidationError) -> UserError:
    """What a user got wrong: the setting as the command line writes it, what was got, and what there is."""
    first = error.errors(include_url=False)[0]
    where, got, context = _option(first["loc"], data), first.get("input"), first.get("ctx", {})
    match first["type"]:
        case "extra_forbidden":
            return _unknown_field(model, where, first["loc"], _option(first["loc"][:-1], data))
        case "union_tag_invalid":
            return UnknownName(f"{where}.kind", context["tag"], re.findall(r"'(.*?)'", context["expected_tags"]))
        case "union_tag_not_found":
            return UserError(f"Setting '{where}' has no kind: got {got!r:.200}. Add 'kind: NAME'.")
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
