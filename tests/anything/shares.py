"""How often each kind was carried out of those that were tried: what is always refused was never tested."""

from __future__ import annotations

from collections import Counter

from server_sync.rules.registry import RULES
from tests.anything.commands import LEFT_OUT

LONG = 40_000
"""So many commands must show every kind a good many times."""


class Shares:
    """Commands by kind: applied, and refused by code."""

    def __init__(self) -> None:
        self.applied: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()

    def __str__(self) -> str:
        return "\n".join(f"{kind}: {self.applied[kind]} of {self.tried(kind)} {self.why(kind)}" for kind in KINDS)

    def count(self, kind: str, code: str | None) -> None:
        """One more, refused with *code* or applied."""
        if code is None:
            self.applied[kind] += 1
        else:
            self.refused[kind, code] += 1

    def tried(self, kind: str) -> int:
        """How often that kind was given."""
        return self.applied[kind] + sum(self.why(kind).values())

    def why(self, kind: str) -> dict[str, int]:
        """How often it was refused for what."""
        return {code: count for (one, code), count in self.refused.most_common() if one == kind}

    def never(self) -> list[str]:
        """The kinds that were never carried out."""
        return [kind for kind in KINDS if not self.applied[kind]]

    def scarce(self, least: int, percent: int) -> dict[str, tuple[int, int]]:
        """The kinds that were carried out less than *least* times, or of a hundred tries less than *percent*."""
        return {
            kind: (self.applied[kind], self.tried(kind))
            for kind in KINDS
            if self.applied[kind] < least or 100 * self.applied[kind] < percent * self.tried(kind)
        }


KINDS = sorted(RULES.keys() - LEFT_OUT)
