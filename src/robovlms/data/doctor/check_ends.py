"""End flags, in formats that have them."""

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding


def check(data: Examined) -> list[Finding]:
    """The flag of the last step is set, and no other's."""
    flagged = [one for one in data.recordings if one.last is not None and len(one.last)]
    missing = [one for one in flagged if one.last is not None and not one.last[-1]]
    early = [one for one in flagged if one.last is not None and one.last[:-1].any()]
    found = []
    if missing:
        seen = f"{len(missing)} of {len(flagged)} episodes have no end flag at their last step"
        remedy = "Set it, or do not train with code that finds ends by it. Here records are the episodes."
        found.append(Finding("ends", "warning", seen, "set at the last step", remedy, missing[0].index))
    if early:
        row = int(early[0].last[:-1].argmax()) if early[0].last is not None else None
        remedy = "Cut the episode there: what follows belongs to another."
        seen = f"{len(early)} episodes have an end flag before their last step"
        found.append(Finding("ends", "error", seen, "set at the last step only", remedy, early[0].index, row))
    return found
