"""Where everything on the board lies, in pixels of the whole board; free of Qt, so that it is tested as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.screens.board.records import BoardCard, BoardRoom, Id

ZOOMS = (5, 10, 15, 20, 30, 60)
"""Minutes that 48 px stand for; 15 is 3.2 px a minute."""

LABEL_EVERY = {5: 15, 10: 30, 15: 30, 20: 60, 30: 60, 60: 120}
"""Minutes between two labels of the time axis, by zoom."""

_ROW = 48.0
_INSET_X = 6.0
_INSET_Y = 2.0
_LANE_GAP = 3.0
_LEAST = 10.0
_COLUMN = 180
_AXIS = 57
_HEADER = 64


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x just beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y just beyond it."""
        return self.y + self.height

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def meets(self, other: Box) -> bool:
        """Whether the two share a point."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True, slots=True)
class Placed:
    """A card in its place: column, lane among those that overlap it, and box."""

    card: BoardCard
    column: int
    lane: int
    lanes: int
    box: Box


def lanes_of(cards: Sequence[BoardCard]) -> list[tuple[int, int]]:
    """(lane, number of lanes) of each card; *cards* are in order of time. Only cards that overlap share the width."""
    lanes: list[int] = []
    counts = [1] * len(cards)
    cluster: list[int] = []
    ends: list[float] = []

    def close() -> None:
        for at in cluster:
            counts[at] = len(ends)
        cluster.clear()
        ends.clear()

    for at, card in enumerate(cards):
        if ends and card.minute >= max(ends):
            close()
        free = next((lane for lane, end in enumerate(ends) if end <= card.minute), len(ends))
        if free == len(ends):
            ends.append(card.until)
        else:
            ends[free] = card.until
        lanes.append(free)
        cluster.append(at)
    close()
    return list(zip(lanes, counts, strict=True))


class BoardLayout:
    """The geometry of one state at one zoom, text scale and width of the view. y counts from the day's first minute."""

    def __init__(
        self, rooms: Sequence[BoardRoom], first: int, last: int, zoom: int = 15, scale: float = 1.0, width: int = 1238
    ) -> None:
        """Place the cards of *rooms* for a view *width* px wide."""
        self.first, self.last, self.zoom = first, last, zoom
        self.per_minute = _ROW * scale / zoom
        self.axis = round(_AXIS + (scale - 1) * 40)
        self.header = round(_HEADER + (scale - 1) * 40)
        room_for = max(1, width - self.axis)
        shown = max(1, int(room_for / (_COLUMN + (scale - 1) * 100)))
        self.column_width = room_for / max(1, min(shown, len(rooms)))
        self.height = (last - first) * self.per_minute
        self.width = self.column_width * len(rooms)
        self.columns: list[list[Placed]] = [self._column(at, room.cards) for at, room in enumerate(rooms)]
        self.by_slot: dict[Id, Placed] = {placed.card.slot_id: placed for column in self.columns for placed in column}

    def y_of(self, minute: float) -> float:
        """The y of a minute of the day."""
        return (minute - self.first) * self.per_minute

    def minute_at(self, y: float) -> float:
        """The minute of the day at a y."""
        return self.first + y / self.per_minute

    def visible(self, view: Box) -> Iterator[Placed]:
        """The cards that *view* (a box of the board) shows some of."""
        left = max(0, int(view.x // self.column_width))
        right = min(len(self.columns), int(view.right // self.column_width) + 1)
        for column in self.columns[left:right]:
            for placed in column:
                if placed.box.y >= view.bottom:
                    break
                if placed.box.bottom > view.y:
                    yield placed

    def at(self, x: float, y: float) -> Placed | None:
        """The card at a point of the board."""
        return next((placed for placed in self.visible(Box(x, y, 1, 1)) if placed.box.holds(x, y)), None)

    def _column(self, column: int, cards: Sequence[BoardCard]) -> list[Placed]:
        left = column * self.column_width + _INSET_X
        whole = self.column_width - 2 * _INSET_X
        placed = []
        for card, (lane, lanes) in zip(cards, lanes_of(cards), strict=True):
            width = (whole - (lanes - 1) * _LANE_GAP) / lanes
            top = self.y_of(card.minute) + _INSET_Y
            height = max(_LEAST, (card.until - card.minute) * self.per_minute - 2 * _INSET_Y)
            box = Box(left + lane * (width + _LANE_GAP), top, width, height)
            placed.append(Placed(card, column, lane, lanes, box))
        return placed
