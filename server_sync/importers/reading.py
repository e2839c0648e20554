"""One file on its way in: its name, its hash, its clean text, and what was said about it so far."""

from __future__ import annotations

from dataclasses import dataclass

from server_sync.importers.text import problem
from server_sync.protocol.imports import ImportRefused, Place, Problem


@dataclass(frozen=True)
class Source:
    """A decoded file. `problems` are those of decoding it."""

    file: str
    file_hash: str
    text: str
    problems: tuple[Problem, ...] = ()

    def refused(self, code: str, reason: str, advice: str, place: Place | None = None) -> ImportRefused:
        """The answer that this file can't be read at all."""
        return refused(self.file, self.file_hash, code, reason, advice, place)


def refused(
    file: str, file_hash: str, code: str, reason: str, advice: str, place: Place | None = None
) -> ImportRefused:
    """A refusal of a whole file, with words."""
    where = place or Place(file=file)
    return ImportRefused(file=file, file_hash=file_hash, problem=problem("refused", code, where, file, reason, advice))
