"""What is shown rests on the rules: why a flag was raised, who stands where in line, which slots can be taken."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import Any, Literal

from msgspec import structs

from desktop.day.flag_words import flag_title
from desktop.day.open_slots import Request, open_slots
from desktop.day.slots import slot_facts
from desktop.day.status import claim_status
from desktop.widgets.records import StatusKind
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, SlotReservation
from server_sync.rules.attend import FLAG_REASONS
from server_sync.rules.state import State
from tests.sync.small_day import MORNING, SmallDay, small_day
from tests.unit.day import Day as UnitDay
from tests.unit.day import applied


def test_every_reason_for_a_flag_has_words() -> None:
    """Of their own: none is spelt out from its code, and no two are the same."""
    titles = {reason: flag_title(reason, "Ada Lind", "Ben Osei") for reason in sorted(FLAG_REASONS)}
    assert len(set(titles.values())) == len(FLAG_REASONS)
    for reason, title in titles.items():
        assert "Ada Lind" in title
        assert not title.startswith("Ada Lind:"), reason
        assert ("Ben Osei" in title) == reason.endswith("_outside_party"), reason
        assert not re.search(r"[a-z]_[a-z]|[{}]", title), title


def test_a_reason_from_a_newer_centre_is_spelt_out() -> None:
    assert flag_title("no_show_in_the_rain", "Ada", "") == "Ada: no-show in the rain"
    assert flag_title("seat_is_wet", "Ada", "") == "Ada: seat is wet"


def test_who_is_here_is_as_the_rules_count_it() -> None:
    """What was said of a name counts for all who turn out to be it; who has left the party counts no more."""
    day = UnitDay()
    (slot,) = day.slots(capacity=3)
    claim = day.reserve(slot, reserved_name="The Mayor")
    applied(day.do("attendance.arrive", {"reservation_id": claim}))
    people = [day.person(name) for name in ("Ada", "Ben", "Cem")]
    change = {"reservation_id": claim}

    def seen() -> tuple[StatusKind, int, int]:
        status = claim_status(day.state, day.claim(claim), slot.start_time, slot.start_time, UTC)
        return status.kind, status.here, status.total

    applied(day.do("reservation.update", change | {"add_participant_ids": people[:2]}))
    assert seen() == (StatusKind.HERE, 2, 2)
    day.now += timedelta(minutes=1)
    applied(day.do("attendance.no_show", change | {"participant_ids": people[:2]}))
    assert seen() == (StatusKind.NO_SHOW, 0, 2)
    applied(
        day.do("reservation.update", change | {"add_participant_ids": people[2:], "remove_participant_ids": people[:2]})
    )
    assert seen() == (StatusKind.HERE, 1, 1)


def line_of(day: SmallDay, *waiting: tuple[str, Id, dict[str, Any]]) -> State:
    """A state in which these wait for these slots, in this order."""
    state = day.state()
    for number, (name, slot_id, fields) in enumerate(waiting):
        slot = state.get(EventSlot, slot_id)
        assert slot is not None
        at = MORNING - timedelta(hours=9 - number)
        claim = SlotReservation(
            id=name, programme_id=slot.programme_id, slot_id=slot.id, event_id=slot.event_id,
            location_id=slot.location_id, time_block_id=slot.time_block_id, claim="waitlisted",
            reserved_at=at, queued_at=at, placement_version=1, version=1, reserved_name=name, **{"spots": 1, **fields},
        )  # fmt: skip
        state.apply([claim])
    return state


def test_the_place_in_line_counts_those_who_wait_for_any_slot_too() -> None:
    """As the authority says it; who waits for another slot alone is not ahead."""
    day = small_day(rooms=1)
    one, two = day.slots[:2]
    state = line_of(
        day, ("first", two, {}), ("anywhere", two, {"any_slot": True}), ("here", one, {}), ("later", one, {})
    )
    seen = {}
    for name in ("first", "anywhere", "here", "later"):
        claim = state.get(SlotReservation, name)
        assert claim is not None
        seen[name] = claim_status(state, claim, MORNING, MORNING, UTC).words
    assert seen == {"first": "#1 in line", "anywhere": "#2 in line", "here": "#2 in line", "later": "#3 in line"}


def test_a_slot_of_a_closed_block_says_why() -> None:
    """The block's reason to be closed, not what somebody noted about it; the slot's own reason comes first."""
    day = small_day(rooms=1)
    state = day.state()
    slot = state.get(EventSlot, day.slots[0])
    assert slot is not None
    block = state.get(EventTimeBlock, slot.time_block_id)
    assert block is not None
    state.apply([structs.replace(block, status="closed", status_reason="the piano is being tuned", notes="bring tea")])

    def facts(row: EventSlot) -> tuple[str, str]:
        seen = slot_facts(state, row, MORNING.date(), MORNING, UTC, lambda record, id: False)
        return seen.openness, seen.reason

    assert facts(slot) == ("closed", "the piano is being tuned")
    assert facts(structs.replace(slot, status_reason="no light")) == ("closed", "no light")


def test_a_place_for_which_somebody_waits_is_not_offered() -> None:
    """In strict order a party too big for the room that is left comes first all the same; then nobody else may."""
    day = small_day(rooms=1, slots=2, people=1, capacity=2)
    state = line_of(day, ("duo", day.slots[0], {"spots": 2}))
    event = next(row for row in day.rows if isinstance(row, Event))

    def offered(order: Literal["strict", "best_fit"]) -> list[tuple[Id, str | None]]:
        known = state.get(Event, event.id)
        assert known is not None
        state.apply([structs.replace(known, waitlist_enabled=True, waitlist_order=order)])
        found = open_slots(state, MORNING - timedelta(hours=1), Request(day.programme))
        return [(entry.slot.id, entry.refusal.code if entry.refusal is not None else None) for entry in found]

    one, two = day.slots
    assert offered("best_fit") == [(one, None), (two, None)]
    assert offered("strict") == [(two, None), (one, "LINE_AHEAD")]
