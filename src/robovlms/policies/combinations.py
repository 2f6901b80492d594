"""Which heads go with which structures: found by building their configurations, never written by hand."""

from typing import get_args

from robovlms.architectures.model import HeadConfig, VLAConfig, structures
from robovlms.core.config import validate
from robovlms.core.errors import UserError


def head_kinds() -> list[str]:
    """The heads a VLA may have."""
    union, _ = get_args(HeadConfig)
    return [member.model_fields["kind"].default for member in get_args(union)]


def refusal(structure: str, head: str) -> str | None:
    """Why this head is refused in this structure; None where it is not."""
    try:
        validate(VLAConfig, {"architecture": {"kind": structure}, "head": {"kind": head}})
    except UserError as reason:
        return str(reason)
    return None


def combinations() -> dict[str, dict[str, str | None]]:
    """By structure and head, why the two are refused, or None."""
    return {structure: {head: refusal(structure, head) for head in head_kinds()} for structure in structures()}


def table() -> str:
    """The combinations as a table in Markdown."""
    lines = [["structure", *(f"`{head}`" for head in head_kinds())], ["---"] * (len(head_kinds()) + 1)]
    for name, row in combinations().items():
        lines.append([f"`{name}`", *("yes" if reason is None else "-" for reason in row.values())])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    print(table())  # noqa: T201
