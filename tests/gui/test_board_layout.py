"""The geometry of the board and the way of its arrow keys, as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.screens.board.layout import BoardLayout, Box, lanes_of
from desktop.screens.board.moves import Step, aim_at, nearest, step_from
from desktop.screens.board.records import BoardCard, BoardRoom
from desktop.widgets.records import StatusKind, Tone


def card(slot: str, minute: float, until: float, room: str = "A") -> BoardCard:
    """A free card."""
    return BoardCard(slot, room, minute, until, slot, StatusKind.FREE)


def room(name: str, *cards: BoardCard) -> BoardRoom:
    """A column."""
    return BoardRoom(name, name, "", "on time", Tone.QUIET, "", cards)


def test_a_minute_is_3_2_pixels_and_cards_keep_2_off_their_edges() -> None:
    layout = BoardLayout([room("A", card("x", 555, 570))], 540, 720)
    box = layout.by_slot["x"].box
    assert (box.y, box.height) == (15 * 3.2 + 2, 15 * 3.2 - 4)
    assert layout.minute_at(layout.y_of(612)) == 612


def test_few_rooms_share_the_width_and_many_keep_180() -> None:
    rooms = [room(str(at)) for at in range(60)]
    few = BoardLayout(rooms[:3], 540, 600, width=1238)
    assert few.width == pytest.approx(1238 - few.axis)
    many = BoardLayout(rooms, 540, 600, width=1238)
    assert many.column_width >= 180
    assert (1238 - many.axis) / many.column_width == pytest.approx(6)  # whole columns, as far as they reach


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 120)), max_size=25).map(
        lambda spans: [card(str(at), start, start + long) for at, (start, long) in enumerate(sorted(spans))]
    )
)
def test_cards_that_overlap_in_time_never_overlap_on_the_board(cards: list[BoardCard]) -> None:
    lanes = lanes_of(cards)
    for at, one in enumerate(cards):
        assert 0 <= lanes[at][0] < lanes[at][1]
        for other in range(at):
            if cards[other].until > one.minute:
                assert lanes[other][0] != lanes[at][0]
                assert lanes[other][1] == lanes[at][1]
        if all(other is one or other.until <= one.minute or other.minute >= one.until for other in cards):
            assert lanes[at] == (0, 1)


def test_only_what_is_seen_is_visible_and_a_point_finds_its_card() -> None:
    rooms = [room(f"{r}", *(card(f"{r}.{c}", c * 30, c * 30 + 30) for c in range(40))) for r in range(60)]
    layout = BoardLayout(rooms, 0, 1200, width=1238)
    seen = [placed.card.slot_id for placed in layout.visible(Box(0, 0, 1181, 550))]
    assert len(seen) < 60
    assert "0.0" in seen
    assert "59.39" not in seen
    box = layout.by_slot["7.20"].box
    found = layout.at(box.x + 3, box.y + 3)
    assert found is not None
    assert found.card.slot_id == "7.20"
    assert layout.at(box.x - 3, box.y + 3) is None


def walk(layout: BoardLayout, start: str, *steps: Step, only: str = "") -> str:
    """Where the steps lead, by slot; `only` keeps those whose id holds it."""
    placed = layout.by_slot[start]
    aim = aim_at(layout, placed)
    for step in steps:
        placed = step_from(layout, placed, step, lambda other: only in other.card.slot_id, aim)
        if step not in (Step.LEFT, Step.RIGHT):
            aim = aim_at(layout, placed)
    return placed.card.slot_id


def test_arrows_follow_time_and_rooms() -> None:
    layout = BoardLayout(
        [
            room("A", card("a1", 0, 30), card("a2", 30, 60), card("a3", 60, 90)),
            room("B"),
            room("C", card("c1", 0, 20), card("c2", 20, 70), card("c2x", 30, 50), card("c3", 100, 130)),
        ],
        0,
        180,
    )
    assert walk(layout, "a1", Step.DOWN, Step.DOWN, Step.DOWN) == "a3"
    assert walk(layout, "a3", Step.UP, Step.FIRST) == "a1"
    assert walk(layout, "a1", Step.LAST) == "a3"
    assert walk(layout, "a2", Step.RIGHT) == "c2"  # over the empty room, to what goes on then
    assert walk(layout, "c2", Step.RIGHT) == "c2x"  # its neighbour in the same room
    assert walk(layout, "c2x", Step.LEFT, Step.LEFT) == "a2"
    assert walk(layout, "a1", Step.LEFT) == "a1"
    assert walk(layout, "a1", Step.RIGHT, only="3") == "c3"
    assert walk(layout, "c1", Step.DOWN, Step.DOWN, Step.DOWN) == "c3"


def test_the_nearest_card_is_of_the_nearest_room_first() -> None:
    layout = BoardLayout([room("A", card("a1", 500, 530)), room("B", card("b1", 0, 30))], 0, 600, width=500)
    found = nearest(layout, 10, 0, lambda placed: True)
    assert found is not None
    assert found.card.slot_id == "a1"
    assert nearest(layout, 10, 0, lambda placed: False) is None
