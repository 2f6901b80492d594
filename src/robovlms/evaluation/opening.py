"""Opens the folder that an evaluation writes: a new one, or the one it goes on with; refuses any other."""

from pathlib import Path

from robovlms.core.errors import UserError
from robovlms.evaluation.agenda import Agenda, write_agenda
from robovlms.evaluation.database import connect, transaction
from robovlms.evaluation.store import EPISODES, FORMER, EpisodeStore


def open_store(folder: Path, agenda: Agenda, resume: bool = False) -> EpisodeStore:
    """The store to evaluate into.

    Args:
        folder: Made if need be; must be empty unless ``resume``.
        agenda: What is evaluated.
        resume: Go on with what the folder holds. An empty or missing folder just starts.

    Raises:
        UserError: The folder holds something else, or another evaluation than the one to resume.
        CorruptData: Its file is damaged.
    """
    _require_room(folder, resume)
    path = folder / EPISODES
    database = connect(path)
    try:
        with transaction(database, path):
            begun = write_agenda(database, agenda)
    finally:
        database.close()
    if not (begun or resume):  # another process began a moment ago
        raise UserError(f"Output folder {folder} is in use. Add --resume to share its episodes, or choose another.")
    store = EpisodeStore(folder)
    if differences := store.agenda.differences(agenda):
        store.close()
        lines = "".join(f"\n  - {name}: the folder has {was}, now {now}" for name, was, now in differences)
        raise UserError(f"{folder} holds another evaluation:{lines}\nResume with the same settings, or another --out.")
    return store


def _require_room(folder: Path, resume: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"Output {folder} is a file, expected a folder.")
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not held or (resume and EPISODES in held):
        return
    if resume and FORMER in held:
        raise UserError(
            f"{folder} is of an earlier version ({FORMER}): its results.json can be read and compared, "
            "but it cannot be resumed. Evaluate again into another folder."
        )
    if resume:
        raise UserError(f"Nothing to resume in {folder}: it holds {', '.join(held[:5])}, but no {EPISODES}.")
    hint = "Add --resume to go on with it, or choose" if EPISODES in held else "Choose"
    raise UserError(f"Output folder {folder} already holds {', '.join(held[:5])}. {hint} another --out.")
