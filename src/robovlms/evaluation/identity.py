"""What one evaluation is, so that folders of it can be joined and the folder of another refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint


@dataclass(frozen=True, slots=True)
class Identity:
    """The protocol, the policy, and the libraries that act in an episode.

    Checkpoints are told apart by their digests: the same one may lie elsewhere on another machine.
    """

    protocol: Protocol
    checkpoint: Checkpoint
    versions: Mapping[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """Digests of the checkpoint and of the protocol."""
        return self.checkpoint.digest, self.protocol.digest()

    def differences(self, other: "Identity") -> list[tuple[str, str, str]]:
        """(field, here, there) of everything that differs, in words."""
        mine, theirs = self._fields(), other._fields()
        names = [name for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]
        found = [(name, f"{mine.get(name)!r:.80}", f"{theirs.get(name)!r:.80}") for name in names]
        if self.checkpoint.digest == other.checkpoint.digest:
            return found
        one, another = (f"{each.path} ({each.digest})" for each in (self.checkpoint, other.checkpoint))
        return [("checkpoint", one, another), *found]

    def _fields(self) -> dict[str, Any]:
        versions = {f"version of {name}": version for name, version in self.versions.items()}
        return {**self.protocol.model_dump(mode="json"), **versions}
