"""Where the arrow keys go from a card; free of Qt."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from desktop.screens.board.layout import BoardLayout, Placed


class Step(Enum):
    """A step of the keyboard's focus."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    FIRST = "first"
    LAST = "last"


def aim_at(layout: BoardLayout, placed: Placed) -> float:
    """The minute that steps to the side keep to after the focus came to *placed*: a little below its top."""
    return layout.minute_at(placed.box.y + min(placed.box.height, 40.0) / 2)


def step_from(layout: BoardLayout, placed: Placed, step: Step, wanted: Callable[[Placed], bool], aim: float) -> Placed:
    """The card that *step* leads to from *placed*, among those that are *wanted*; *placed* where there is none.

    Steps to the side look for what goes on at the minute *aim*.
    """
    if step in (Step.LEFT, Step.RIGHT):
        way = -1 if step is Step.LEFT else 1
        return _sideways(layout, placed, way, wanted, layout.y_of(aim)) or placed
    column = [other for other in layout.columns[placed.column] if wanted(other)]
    if step is Step.FIRST:
        found = column[:1]
    elif step is Step.LAST:
        found = column[-1:]
    elif step is Step.DOWN:
        found = [other for other in column if _order(other) > _order(placed)][:1]
    else:
        found = [other for other in column if _order(other) < _order(placed)][-1:]
    return found[0] if found else placed


def nearest(layout: BoardLayout, x: float, y: float, wanted: Callable[[Placed], bool]) -> Placed | None:
    """The wanted card nearest to a point of the board, the column counting before the time."""
    column = min(len(layout.columns) - 1, max(0, int(x // layout.column_width))) if layout.columns else 0

    def far(placed: Placed) -> tuple[int, float]:
        return abs(placed.column - column), _distance(placed, y)

    found = (placed for cards in layout.columns for placed in cards if wanted(placed))
    return min(found, key=far, default=None)


def soonest(layout: BoardLayout, y: float, wanted: Callable[[Placed], bool]) -> Placed | None:
    """The wanted card that goes on at a y, else the nearest to it; of several the first column's latest."""

    def far(placed: Placed) -> tuple[float, int, float]:
        return _distance(placed, y), placed.column, -placed.card.minute

    found = (placed for cards in layout.columns for placed in cards if wanted(placed))
    return min(found, key=far, default=None)


def _sideways(
    layout: BoardLayout, placed: Placed, way: int, wanted: Callable[[Placed], bool], middle: float
) -> Placed | None:
    """The neighbour in the same column that overlaps in time, else the nearest in time of the next column with any."""
    beside = [
        other
        for other in layout.columns[placed.column]
        if wanted(other) and (other.lane - placed.lane) * way > 0 and _overlap(other, placed)
    ]
    if beside:
        return min(beside, key=lambda other: (abs(other.lane - placed.lane), _distance(other, middle)))
    column = placed.column + way
    while 0 <= column < len(layout.columns):
        found = [other for other in layout.columns[column] if wanted(other)]
        if found:
            return min(found, key=lambda other: (_distance(other, middle), way * other.lane))
        column += way
    return None


def _order(placed: Placed) -> tuple[float, int]:
    return placed.card.minute, placed.lane


def _overlap(one: Placed, other: Placed) -> bool:
    return one.card.minute < other.card.until and other.card.minute < one.card.until


def _distance(placed: Placed, y: float) -> float:
    """How far a y is from a card; 0 within it."""
    return max(placed.box.y - y, 0.0, y - placed.box.bottom)
