"""Which words a misspelt one may mean."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

LAST: Final = "\U0010ffff"
"""Behind every letter: what begins with a text lies between it and it with this."""
_MOST: Final = 60
_LONG: Final = 6
"""From so many letters on, two slips are forgiven."""


def pieces(typed: str) -> tuple[str, ...]:
    """Every three letters in a row."""
    return tuple(dict.fromkeys(typed[start : start + 3] for start in range(len(typed) - 2)))


class Words:
    """Words to look through, folded; made anew where they change."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._sorted = sorted(set(words))
        self._starts: dict[int, list[str]] = {}

    def beginning(self, start: str) -> list[str]:
        """Those that begin with *start*."""
        return self._sorted[bisect_left(self._sorted, start) : bisect_left(self._sorted, start + LAST)]

    def alike(self, typed: str) -> tuple[list[str], list[str]]:
        """Those that contain *typed* or begin a slip away from it, and those two slips away; none that begins like it.

        A slip is a letter too many, missing, wrong, or swapped with the next. The first letter must be right, or three
        in a row. The likeliest come first, then those that are first in the alphabet, and no more than a few dozen, so
        that a store can be asked for all of them.
        """
        slips = 1 if len(typed) < _LONG else 2
        distances = {word: 1 for word in self._sorted if typed in word}
        for length in range(len(typed) - 1, len(typed) + 2):
            starts = self._starts_of(length)
            for start, slipped, _ in process.extract(
                typed, starts, scorer=OSA.distance, score_cutoff=slips, limit=None
            ):
                for word in self.beginning(start):
                    distances[word] = min(distances.get(word, slips), int(slipped))
        kept = pieces(typed)
        some = [word for word in distances if word[0] == typed[0] or any(piece in word for piece in kept)]
        some = [word for word in some if not word.startswith(typed)]
        chosen = sorted(some, key=lambda word: (distances[word], word))[:_MOST]
        return [word for word in chosen if distances[word] == 1], [word for word in chosen if distances[word] == 2]

    def _starts_of(self, length: int) -> list[str]:
        if length not in self._starts:
            self._starts[length] = list(dict.fromkeys(word[:length] for word in self._sorted))
        return self._starts[length]
