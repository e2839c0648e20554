"""Measuring several things in turns, so that whatever else the machine does meanwhile falls on all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Final

from tests.bench.load import LEAD, Measured

ROUNDS: Final = 3

FASTEST: Final = {1: 2_500, 16: 6_000, 64: 10_000}
"""What nothing here exceeds, a second, with so many clients: so many rows of its own each run is given."""


def interleaved(measures: Mapping[str, Callable[[], Measured]], rounds: int = ROUNDS) -> dict[str, list[Measured]]:
    """Every measure once a round, another one first in each round."""
    found: dict[str, list[Measured]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            found[name].append(measures[name]())
    return found


def rows_for(clients: int, seconds: float) -> int:
    """How many rows one run may use up; a multiple of *clients*, so that each has a share of its own."""
    return math.ceil(FASTEST[clients] * (seconds + LEAD) / clients) * clients


class Supply:
    """Hands out ranges of numbers (of people, of claims) that nobody used before."""

    def __init__(self, first: int, count: int) -> None:
        self._next = first
        self._end = first + count

    def take(self, count: int) -> int:
        """The first of *count* numbers; RuntimeError if there are no more."""
        first = self._next
        self._next += count
        if self._next > self._end:
            raise RuntimeError(f"{self._next - self._end} rows too few were loaded")
        return first


def per_second(found: Mapping[str, list[Measured]], name: str) -> list[float]:
    """The rates of one measure, round by round."""
    return [measured.per_second for measured in found[name]]


def describe(case: str, found: Mapping[str, list[Measured]]) -> str:
    """One line to follow a benchmark by."""
    parts = []
    for name, runs in found.items():
        rates = "/".join(f"{run.per_second:.0f}" for run in runs)
        p50 = sorted(run.p50 for run in runs)[len(runs) // 2]
        p99 = sorted(run.p99 for run in runs)[len(runs) // 2]
        parts.append(f"{name} {rates} a second (p50 {p50:.1f} ms, p99 {p99:.1f} ms)")
    return f"{case}: " + "; ".join(parts)


def refuse_failures(case: str, found: Mapping[str, list[Measured]]) -> None:
    """A rate of answers that were refusals says nothing: RuntimeError if there was one."""
    for measured in itertools.chain.from_iterable(found.values()):
        if measured.refused or measured.broken:
            raise RuntimeError(f"{case}: {measured.refused} answers were not 2xx, {measured.broken} broke off")
