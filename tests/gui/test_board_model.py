"""What the Board says of a day's rows: statuses, counts, days past midnight, filters, and what a change touches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from msgspec import structs

from desktop.day.days import Days
from desktop.screens.board.records import BoardCard, Filter, Phase
from desktop.screens.board.viewmodel import BoardViewModel
from desktop.widgets.records import StatusKind
from server_sync.protocol.records import EventSlot, Participant, SlotReservation
from tests.gui.board_day import SampleBoard
from tests.gui.board_pictures import busy_day


@pytest.fixture
def port() -> SampleBoard:
    """The day of the design's picture."""
    return busy_day()


@pytest.fixture
def model(port: SampleBoard) -> Iterator[BoardViewModel]:
    """The Board over it."""
    model = BoardViewModel(port)
    yield model
    model.close()


def find(model: BoardViewModel, title: str) -> BoardCard:
    """The one card with that title."""
    found = [card for room in model.state.rooms for card in room.cards if card.title == title]
    assert len(found) == 1, title
    return found[0]


def words(model: BoardViewModel, title: str) -> tuple[StatusKind, str]:
    """Kind and words of a card."""
    status = find(model, title).status
    assert status is not None
    return status.kind, status.words


def stressed(model: BoardViewModel) -> frozenset[str] | None:
    """The slots that the filters leave bright."""
    return model.state.stressed


def now(model: BoardViewModel) -> float | None:
    """Where the line of now is."""
    return model.state.now


def phase(model: BoardViewModel) -> Phase:
    """What there is to show."""
    return model.state.phase


def test_the_board_says_what_the_picture_says(model: BoardViewModel) -> None:
    state = model.state
    assert state.phase is Phase.READY
    assert state.title == "Saturday 14 March"
    assert state.clock == "09:38"
    names = [room.name for room in state.rooms]
    assert names[:6] == ["Room A", "Room B", "Room C", "Room D", "Auditorium", "Black box"]
    assert [room.delay for room in state.rooms][:6] == [
        "+8 min", "on time", "on time", "+3 min", "on time", "ahead 4 min",
    ]  # fmt: skip
    assert state.rooms[0].place == "Gym 1"
    assert state.rooms[0].next_call == "next 09:53"
    assert state.rooms[5].next_call == "next 09:46"
    assert (state.first, state.last) == (9 * 60, 13 * 60)
    assert state.now == 9 * 60 + 38
    assert state.subtitle.startswith("8 rooms · ")
    assert state.subtitle.endswith("2 late · 1 no-show")


@pytest.mark.parametrize(
    ("title", "kind", "said"),
    [
        ("Nora Haddad", StatusKind.DONE, "Done"),
        ("Sofía Márquez", StatusKind.ON_STAGE, "On stage · 4:10"),
        ("Kwame Boateng", StatusKind.HERE, "Here"),
        ("María López-Ruiz", StatusKind.EXPECTED, "Expected"),
        ("Liam Chen", StatusKind.NO_SHOW, "No-show"),
        ("Omar Love", StatusKind.LATE, "Late 8 min"),
        ("Lincoln MS Band", StatusKind.DONE, "42 of 42"),
        ("Choir of Oak Hill", StatusKind.HERE, "13 of 14 here"),
        ("Quartet Nine", StatusKind.EXPECTED, "2 of 4 here"),
        ("St Mary’s Orchestra", StatusKind.EXPECTED, "0 of 38 here"),
        ("Monologue: E. Roy", StatusKind.ON_STAGE, "On stage · 6:31"),
    ],
)
def test_each_status_in_its_words(model: BoardViewModel, title: str, kind: StatusKind, said: str) -> None:
    assert words(model, title) == (kind, said)


def test_free_and_blocked_slots_say_so(model: BoardViewModel) -> None:
    assert find(model, "Judges’ break").kind is StatusKind.BLOCKED
    free = [card for room in model.state.rooms for card in room.cards if card.title == "Free"]
    assert len(free) == model.state.free == 6
    assert all(card.kind is StatusKind.FREE and card.claim_id is None for card in free)


def test_time_alone_makes_people_late_and_stages_run(port: SampleBoard, model: BoardViewModel) -> None:
    port.at("10:00:59")
    model.tick()
    assert words(model, "María López-Ruiz") == (StatusKind.EXPECTED, "Expected")
    port.at("10:01:05")
    model.tick()
    assert words(model, "María López-Ruiz") == (StatusKind.LATE, "Late 1 min")
    assert words(model, "Sofía Márquez")[1] == "On stage · 27:15"
    port.at("11:15")
    model.tick()
    assert words(model, "María López-Ruiz")[1] == "Late 1 h 15"


def test_an_arrival_changes_one_card_and_a_pending_one_has_the_dot(port: SampleBoard, model: BoardViewModel) -> None:
    before = {card.slot_id: card for room in model.state.rooms for card in room.cards}
    row = next(row for row in _claims(port) if row.id == find(model, "Omar Love").claim_id)
    fact = port.attendance(row, "arrived", "09:38", port.members(row)[0])
    port.pending.add(fact.id)
    port.tell(fact)
    after = {card.slot_id: card for room in model.state.rooms for card in room.cards}
    changed = [slot for slot in after if after[slot] is not before[slot]]
    assert changed == [find(model, "Omar Love").slot_id]
    status = find(model, "Omar Love").status
    assert status is not None
    assert (status.kind, status.pending) == (StatusKind.HERE, True)


def test_a_move_changes_both_slots(port: SampleBoard, model: BoardViewModel) -> None:
    row = next(row for row in _claims(port) if row.id == find(model, "Omar Love").claim_id)
    free = next(card for card in model.state.rooms[3].cards if card.title == "Free")
    moved = structs.replace(row, slot_id=free.slot_id, placement_version=2)
    effects = port.state.apply([moved])
    port.tell(*(effect.after for effect in effects))
    assert find(model, "Omar Love").slot_id == free.slot_id
    old = next(card for card in model.state.rooms[3].cards if card.slot_id == row.slot_id)
    assert old.title == "Free"


def test_a_new_name_shows_everywhere(port: SampleBoard, model: BoardViewModel) -> None:
    person = next(row for row in port.state.rows[Participant].values() if row.display_name == "Omar Love")
    port.tell(structs.replace(person, display_name="Omar Lovelace"))
    assert find(model, "Omar Lovelace").kind is StatusKind.LATE


def test_filters_stress_and_do_not_hide(model: BoardViewModel) -> None:
    everything = sum(len(room.cards) for room in model.state.rooms)
    assert stressed(model) is None
    model.stress(filter=Filter.LATE)
    assert len(stressed(model) or ()) == model.state.late == 2
    model.stress(filter=Filter.EVERYONE, text="marquez")
    assert stressed(model) == frozenset({find(model, "Sofía Márquez").slot_id})
    model.stress(text="park lincoln")
    assert stressed(model) == frozenset({find(model, "Ethan Park").slot_id})
    drums = next(choice for choice in model.state.events if choice.words == "Drums")
    model.stress(text="", event_id=drums.key)
    assert len(stressed(model) or ()) == 11
    assert sum(len(room.cards) for room in model.state.rooms) == everything


def test_several_claims_share_a_card() -> None:
    port = SampleBoard(now="09:50")
    slot = port.slot(port.room("Library"), port.event("Spelling bee"), "10:00", 30, capacity=4)
    claims = [port.claim(slot, port.person(name)) for name in ("Zoë", "Ada", "Ben")]
    port.fact(claims[0], "arrived", "09:40")
    port.fact(claims[1], "arrived", "09:41")
    model = BoardViewModel(port)
    card = find(model, "Spelling bee")
    assert [claim.name for claim in card.claims] == ["Ada", "Ben", "Zoë"]
    assert words(model, "Spelling bee") == (StatusKind.HERE, "2 of 3 here")
    assert card.note == "1 free"
    port.claim(slot, port.person("Dai"))
    port.at("10:07")
    port.tell(*port.state.rows[EventSlot].values())
    assert words(model, "Spelling bee") == (StatusKind.LATE, "2 late · 2 of 4 here")
    assert find(model, "Spelling bee").note == "full"
    model.close()


def test_talks_past_midnight_stay_with_their_evening() -> None:
    port = SampleBoard(now="25:10")
    room, talk = port.room("Stage"), port.event("Night talk", "talk")
    for start in ("08:00", "23:30", "24:30", "26:00", "34:00", "48:30"):
        port.claim(port.slot(room, talk, start, 60), port.person(start))
    model = BoardViewModel(port)
    assert [choice.words for choice in model.state.days] == ["Saturday 14 March", "Sunday 15 March"]
    assert model.state.day == "2026-03-14"
    assert [card.minute / 60 for card in model.state.rooms[0].cards] == [8, 23.5, 24.5, 26]
    assert (model.state.first, model.state.last) == (8 * 60, 27 * 60)
    assert model.state.labels[0] == "08:00"
    assert model.state.labels[-1] == "03:00"
    assert now(model) == 25 * 60 + 10
    model.step_day(1)
    assert model.state.title == "Sunday 15 March"
    assert now(model) is None
    assert [card.minute / 60 for card in model.state.rooms[0].cards] == [10, 24.5]
    model.step_day(1)
    assert model.state.title == "Sunday 15 March"
    model.close()


def test_days_change_at_midnight_where_nothing_goes_on_at_night() -> None:
    port = SampleBoard()
    room, event = port.room("Room"), port.event("Solo")
    for start in ("09:00", "22:00", "33:00"):
        port.slot(room, event, start, 60)
    days = Days.of(port.state.rows[EventSlot].values(), port.zone)
    assert days.changeover == 0
    assert days.dates == (date(2026, 3, 14), date(2026, 3, 15))
    assert days.nearest(port.moment("60:00")) == date(2026, 3, 15)


def test_nothing_yet_and_nothing_at_all() -> None:
    port = SampleBoard()
    model = BoardViewModel(port)
    assert phase(model) is Phase.EMPTY
    port.slot(port.room("Room"), port.event("Solo"), "10:00", 30)
    port.tell(*port.state.rows[EventSlot].values())
    assert phase(model) is Phase.READY
    model.close()


def _claims(port: SampleBoard) -> list[SlotReservation]:
    rows: list[SlotReservation] = list(port.state.rows[SlotReservation].values())
    return rows
