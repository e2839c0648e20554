"""Who chooses: a seeded random generator, or hypothesis, which can shrink what it chose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Chooser(Protocol):
    """Makes every choice of a run."""

    def number(self, low: int, high: int) -> int:
        """A whole number from *low* to *high*, both included."""

    def pick(self, some: Sequence[T]) -> T:
        """One of *some*."""

    def chance(self, percent: int) -> bool:
        """True about so often."""


class Seeded:
    """Choices that a seed repeats."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(str(seed))

    def number(self, low: int, high: int) -> int:
        """See ``Chooser``."""
        return self._random.randint(low, high)

    def pick(self, some: Sequence[T]) -> T:
        """See ``Chooser``."""
        return self._random.choice(some)

    def chance(self, percent: int) -> bool:
        """See ``Chooser``."""
        return self._random.random() * 100 < percent


class Drawn:
    """Choices that hypothesis draws; simplest first, so that what fails is shrunk to little."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def number(self, low: int, high: int) -> int:
        """See ``Chooser``."""
        return self._data.draw(st.integers(low, high))

    def pick(self, some: Sequence[T]) -> T:
        """See ``Chooser``."""
        return some[self._data.draw(st.integers(0, len(some) - 1))]

    def chance(self, percent: int) -> bool:
        """See ``Chooser``."""
        return self._data.draw(st.integers(0, 99)) >= 100 - percent
