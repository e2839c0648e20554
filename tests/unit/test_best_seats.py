"""Which seats are the best that are together. Maps are drawn: a dot is free, an x is taken, a blank is no seat."""

from __future__ import annotations

import itertools
import random

import pytest

from server_sync.rules.best_seats import Place, best_together, in_order


def drawn(*rows: str) -> list[Place]:
    """Rows A, B, … from the front; the first character is number 1."""
    return [
        Place(f"{chr(65 + rank)}{number}", chr(65 + rank), number, mark == ".")
        for rank, row in enumerate(rows)
        for number, mark in enumerate(row, 1)
        if mark != " "
    ]


@pytest.mark.parametrize(
    ("rows", "count", "best"),
    [
        (["....."], 1, "A3"),
        (["....."], 3, "A2 A3 A4"),
        (["......"], 1, "A3"),  # of two in the middle the lower number
        (["......"], 2, "A3 A4"),
        ([".....", "....."], 5, "A1 A2 A3 A4 A5"),
        (["xxxxx", "....."], 2, "B2 B3"),
        # a seat to the side counts as much as a row further back, and the front wins a tie
        ([".......", "......."], 1, "A4"),
        (["...x...", "......."], 1, "A3"),
        (["..xxx..", "......."], 1, "B4"),
        (["..xxx..", "......."], 2, "B3 B4"),
        # nobody sits across somebody else, nor across an aisle
        (["..x..", "....."], 3, "B2 B3 B4"),
        (["... ...", "xxxx..."], 3, "A1 A2 A3"),
        (["x..x.", "x...."], 3, "B2 B3 B4"),
        # two at the very edge of the front are no better than two in the middle of the back
        (["..xxxxxxxx", "xxxxxxxxxx", "..........", "xxxxxxxxxx"], 2, "C5 C6"),
    ],
)
def test_together(rows: list[str], count: int, best: str) -> None:
    assert best_together(drawn(*rows), count) == tuple(best.split())


@pytest.mark.parametrize(
    ("rows", "count", "best"),
    [
        # in one row with a gap rather than in two rows
        (["..x..", "xx..x"], 4, "A1 A2 A4 A5"),
        (["...x.", "..x.."], 4, "A1 A2 A3 A5"),
        (["..x.xx", "......"], 8, "A1 A2 B1 B2 B3 B4 B5 B6"),
        # the rest sits next to the others, not in the middle
        (["...x......"], 8, "A2 A3 A5 A6 A7 A8 A9 A10"),
        # two pieces rather than three, though that takes a second row
        ([".x.x.", "..xxx"], 3, "A1 B1 B2"),
        # the fewest rows of the fewest pieces, though the longest piece is in another row
        ([".....", "....x...."], 7, "B1 B2 B3 B4 B6 B7 B8"),
        # the nearest row takes the rest
        (["..xxx", "xxxxx", ".....", "..xxx"], 7, "C1 C2 C3 C4 C5 D1 D2"),
        # everybody alone
        ([".x.", "x.x", ".x."], 5, "A1 A3 B2 C1 C3"),
    ],
)
def test_split(rows: list[str], count: int, best: str) -> None:
    assert best_together(drawn(*rows), count) == tuple(best.split())


def test_no_more_than_there_are() -> None:
    assert best_together(drawn("x.x", ".xx"), 3) == ("A2", "B1")
    assert best_together(drawn("xxx"), 1) == ()
    assert best_together([], 2) == ()
    assert best_together(drawn("..."), 0) == ()


def test_rows_from_the_front() -> None:
    assert sorted(["AA", "B", "Z", "A", "AB"], key=in_order) == ["A", "B", "Z", "AA", "AB"]
    assert sorted(["10", "9", "2", "1"], key=in_order) == ["1", "2", "9", "10"]


def test_the_order_in_which_seats_are_told_does_not_matter() -> None:
    chance = random.Random(7)
    for _ in range(200):
        rows = ["".join(chance.choices(".x ", [5, 2, 1], k=9)) for _ in range(5)]
        seats, count = drawn(*rows), chance.randint(1, 9)
        best = best_together(seats, count)
        chance.shuffle(seats)
        assert best_together(seats, count) == best, rows


def test_all_that_was_asked_for_in_as_few_pieces_as_can_be() -> None:
    """Against the plain truth: whoever takes the longest stretches first has the fewest pieces."""
    chance = random.Random(11)
    for _ in range(400):
        rows = ["".join(chance.choices(".x ", [4, 3, 1], k=8)) for _ in range(4)]
        seats, count = drawn(*rows), chance.randint(1, 10)
        best = best_together(seats, count)
        free = {seat.seat_id for seat in seats if seat.free}
        assert len(set(best)) == len(best) == min(count, len(free)), rows
        assert set(best) <= free, rows
        stretches = sorted(
            (len(list(same)) for row in rows for mark, same in itertools.groupby(row) if mark == "."), reverse=True
        )
        fewest = next(
            (n for n, seated in enumerate(itertools.accumulate(stretches), 1) if seated >= count), len(stretches)
        )
        assert len(_pieces(best)) == fewest, (rows, count, best)


def _pieces(best: tuple[str, ...]) -> list[str]:
    """The first seat of each stretch."""
    return [seat for seat in best if f"{seat[0]}{int(seat[1:]) - 1}" not in best]
