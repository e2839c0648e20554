"""The best seats that are together, for whoever names none.

Seats are together if they stand in one row with consecutive numbers. Of all such places for a party that one is best
which is nearest to the middle of its row and to the front: a seat to the side counts as much as a row further back.
Where no row has a place for all, the party sits in as few pieces as can be, in as few rows, and near to each other.
The answer depends on nothing but the seats, so that a desk and the centre give the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec

from server_sync.protocol.ids import Id


class Place(msgspec.Struct, frozen=True, gc=False):
    """A seat where it stands, and whether it may be taken."""

    seat_id: Id
    row: str
    number: int
    free: bool


class _Run(NamedTuple):
    """Free seats side by side. ``rank`` counts rows from the front; ``middle`` is twice the row's middle number."""

    rank: int
    middle: int
    seats: tuple[Place, ...]

    @property
    def centre(self) -> int:
        """Twice the number in the middle of it."""
        return self.seats[0].number + self.seats[-1].number

    @property
    def cost(self) -> tuple[int, int, int]:
        """How far from the best place, the nearer row first among equals, then the lower number."""
        return 2 * self.rank + abs(self.centre - self.middle), self.rank, self.seats[0].number


def in_order(row: str) -> tuple[int, str]:
    """What rows are ordered by from the front: A, B, …, Z, AA as well as 1, 2, …, 10."""
    return len(row), row


def best_together(seats: Iterable[Place], count: int) -> tuple[Id, ...]:
    """The best *count* free seats, row by row; fewer if there are no more."""
    runs = _runs(seats)
    fitting = (_central(run, count) for run in runs if len(run.seats) >= count > 0)
    together = min(fitting, key=lambda run: run.cost, default=None)
    pieces = [together] if together is not None else _split(runs, count)
    places = sorted((piece.rank, seat.number, seat.seat_id) for piece in pieces for seat in piece.seats)
    return tuple(seat_id for _, _, seat_id in places)


def _runs(seats: Iterable[Place]) -> list[_Run]:
    """The free seats, in runs as long as can be, from the front."""
    rows: dict[str, list[Place]] = defaultdict(list)
    for seat in seats:
        rows[seat.row].append(seat)
    runs = []
    for rank, row in enumerate(sorted(rows, key=in_order)):
        placed = sorted(rows[row], key=lambda seat: (seat.number, seat.seat_id))
        middle = placed[0].number + placed[-1].number
        free = [seat for seat in placed if seat.free]
        breaks = [n for n, (left, right) in enumerate(pairwise(free), 1) if right.number != left.number + 1]
        for start, end in pairwise([0, *breaks, len(free)] if free else []):
            runs.append(_Run(rank, middle, tuple(free[start:end])))
    return runs


def _central(run: _Run, count: int) -> _Run:
    """The *count* seats of the run that are nearest to the middle of its row; of two such places the lower numbers."""
    ideal = (run.middle - (count - 1)) // 2 - run.seats[0].number
    start = min(max(ideal, 0), len(run.seats) - count)
    return run._replace(seats=run.seats[start : start + count])


def _windows(runs: Iterable[_Run], count: int) -> Iterator[_Run]:
    """Every way to take *count* seats out of one of the runs."""
    for run in runs:
        for start in range(len(run.seats) - count + 1):
            yield run._replace(seats=run.seats[start : start + count])


def _split(runs: list[_Run], count: int) -> list[_Run]:
    """The pieces in which *count* sit who don't fit into one: the fewest, then in the fewest rows, then the best."""
    rows: dict[int, list[_Run]] = defaultdict(list)
    for run in runs:
        rows[run.rank].append(run)
    enough = [row for row in rows.values() if sum(len(run.seats) for run in row) >= count]
    return min((_gathered(some, count) for some in [*enough, runs]), key=_scattered)


def _scattered(pieces: list[_Run]) -> tuple[int, int, int, list[int]]:
    rows = {piece.rank for piece in pieces}
    return len(pieces), len(rows), sum(piece.cost[0] for piece in pieces), sorted(rows)


def _gathered(runs: list[_Run], count: int) -> list[_Run]:
    """The longest runs until the rest of *count* fits into one, each as near as can be to what is taken already."""
    pieces: list[_Run] = []
    left, pool = count, list(runs)
    while pool and left > 0:
        longest = max(len(run.seats) for run in pool)
        options = _windows(pool, left) if longest >= left else (run for run in pool if len(run.seats) == longest)
        chosen = min(options, key=lambda run: (_apart(run, pieces), run.cost))
        pieces.append(chosen)
        left -= len(chosen.seats)
        pool = [run for run in pool if run.seats[0] != chosen.seats[0]] if left > 0 else []
    return pieces


def _apart(run: _Run, pieces: list[_Run]) -> tuple[int, int]:
    """How many rows, then seats, from the nearest of *pieces*."""
    return min(((abs(run.rank - piece.rank), abs(run.centre - piece.centre)) for piece in pieces), default=(0, 0))
