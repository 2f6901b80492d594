"""How episodes that were left out are told."""

from collections.abc import Sequence

from rich.console import Console

from robovlms.data.damage import Skipped

MOST_LINES = 20


def tell_skipped(skipped: Sequence[Skipped], console: Console) -> None:
    """One line an episode; nothing where none was left out."""
    if skipped:
        console.print(f"Left out, because damaged: {len(skipped)} episodes", style="yellow")
    for one in skipped[:MOST_LINES]:
        console.print(f"  {one.data}, episode {one.episode}: {one.reason}", markup=False, soft_wrap=True)
    if len(skipped) > MOST_LINES:
        console.print(f"  and {len(skipped) - MOST_LINES} more")
