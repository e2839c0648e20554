"""The host's hand in the line: several promoted or removed at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import EventSlot
from server_sync.rules.state import MEMBERS
from server_sync.rules.waiting import place_in_line
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def promote(day: Day, *ids: Id, **args: Any) -> Any:
    how = {name: args.pop(name) for name in ("role", "seen", "programme") if name in args}
    return day.do("waitlist.promote", {"reservation_ids": ids, **args}, **{"role": "room_manager", **how})


def remove(day: Day, *ids: Id, **args: Any) -> Any:
    how = {name: args.pop(name) for name in ("role", "seen") if name in args}
    return day.do("waitlist.remove", {"reservation_ids": ids, **args}, **{"role": "volunteer", **how})


REST = 10
"""Places of a party that stays, so that those in line are too large for what comes free, and not for ever."""


def queue(capacity: int, *sizes: int, **event: Any) -> tuple[Day, EventSlot, Id, list[Id]]:
    """A full slot of which one party then leaves *capacity* places that nobody takes, as those in front are larger."""
    day, (slot,) = line_day(capacity=capacity + REST, **event)
    join(day, slot, reserved_name="the rest", guests=REST - 1)
    first = join(day, slot, reserved_name="first", guests=capacity - 1)
    waiting = [join(day, slot, reserved_name=f"{n}", guests=size - 1) for n, size in enumerate(sizes)]
    return day, slot, first, waiting


def test_out_of_order_if_there_is_room() -> None:
    day, slot, first, (big, one, two) = queue(3, 4, 1, 1)
    applied(day.do("reservation.cancel", {"reservation_id": first}))
    answer = applied(promote(day, two, one)).answer
    assert [result["reservation_id"] for result in answer["results"]] == [two, one]
    assert {result["claim"] for result in answer["results"]} == {"reserved"}
    assert [day.claim(id).claim for id in (big, one, two)] == ["waitlisted", "reserved", "reserved"]
    assert place_in_line(day.state, day.claim(big)) == 1
    assert refused(promote(day, big), "SLOT_FULL")["index"] == 0
    assert day.slot(slot).reserved_count == 2 + REST


def test_all_of_them_or_nobody_or_whoever_can() -> None:
    day, slot, first, (big, one, two, three) = queue(2, 3, 1, 1, 1)
    applied(day.do("reservation.cancel", {"reservation_id": first}))
    details = refused(promote(day, one, two, three), "SLOT_FULL")
    assert (details["index"], details["reservation_id"]) == (2, three)
    assert day.slot(slot).reserved_count == REST
    answer = applied(promote(day, big, new_id(), one, first, two, three, mode="best")).answer
    assert [result.get("code", "done") for result in answer["results"]] == [
        "SLOT_FULL",
        "NOT_FOUND",
        "done",
        "NOT_WAITING",
        "done",
        "SLOT_FULL",
    ]
    nothing = refused(promote(day, big, mode="best"), "NOTHING_TO_DO")
    assert nothing["results"][0]["code"] == "SLOT_FULL"


def test_an_admins_reason_makes_room_for_whole_parties() -> None:
    day, slot, _, (big, one) = queue(2, 3, 1)
    refused(promote(day, big, override_reason="sponsor"), "NOT_ALLOWED")
    applied(promote(day, big, override_reason="sponsor", role="admin"))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (5 + REST, 3)
    assert day.claim(big).override_reason == "sponsor"
    assert day.claim(one).claim == "waitlisted"


def test_the_host_does_not_double_book() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(start=at(12, 5))
    first, zoe = join(day, slot, day.person()), day.person("Zoë")
    waiting = join(day, slot, zoe)
    day.reserve(elsewhere, zoe)
    applied(day.do("reservation.cancel", {"reservation_id": first}))
    refused(promote(day, waiting), "DOUBLE_BOOKED")
    refused(promote(day, waiting, override_reason="now", role="admin"), "DOUBLE_BOOKED")


def test_who_takes_any_slot_is_put_where_there_is_room() -> None:
    day, slots = line_day(count=3, capacity=2)
    claims = [join(day, slot, day.person()) for slot in (*slots, *slots)]
    args = {"event_id": slots[0].event_id, "reserved_name": "duo", "guests": 1, "on_full": "waitlist"}
    duo = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    day.now += timedelta(seconds=1)
    solo = applied(day.do("reservation.reserve", args | {"guests": 0, "reserved_name": "solo"})).answer[
        "reservation_id"
    ]
    applied(day.do("reservation.cancel", {"reservation_id": claims[1]}))
    assert day.claim(solo).claim == "waitlisted", "in strict order"
    refused(promote(day, duo), "SLOT_FULL")
    answer = applied(promote(day, solo)).answer
    assert answer["results"] == [{"reservation_id": solo, "slot_id": slots[1].id, "claim": "reserved"}]
    assert day.claim(solo).any_slot is None
    applied(promote(day, duo, override_reason="sponsor", role="admin"))
    assert day.slot(slots[0]).overbooked_count == 2


def test_who_stood_behind_a_promoted_party_moves_up() -> None:
    day, slot, first, (big, one) = queue(5, 6, 1)
    applied(day.do("reservation.cancel", {"reservation_id": first}))
    assert day.claim(one).claim == "waitlisted"
    day.put(structs.replace(day.slot(slot), capacity=9 + REST))
    answer = applied(promote(day, big)).answer
    assert answer["promoted"] == [one]


def test_removing_several_lets_those_behind_move_up() -> None:
    day, slot, first, (big, large, one, two) = queue(3, 4, 5, 1, 1)
    applied(day.do("reservation.cancel", {"reservation_id": first}))
    answer = applied(remove(day, big, large, reason="gone home")).answer
    assert [result["claim"] for result in answer["results"]] == ["cancelled"] * 2
    assert answer["promoted"] == [one, two]
    assert day.claim(big).cancelled_at == day.now
    assert refused(remove(day, one), "NOT_WAITING")["index"] == 0
    assert day.slot(slot).reserved_count == 2 + REST


def test_places_in_line_close_up() -> None:
    day, _, _, waiting = queue(1, 1, 1, 1, 1)
    applied(remove(day, waiting[0], waiting[2]))
    assert [place_in_line(day.state, day.claim(id)) for id in waiting] == [None, 1, None, 2]
    late = waiting[3]
    refused(remove(day, late, waiting[0]), "NOT_WAITING")
    assert day.claim(late).claim == "waitlisted"
    assert applied(remove(day, late, waiting[0], mode="best")).answer["results"][1]["code"] == "NOT_WAITING"


def test_a_member_who_is_removed_may_wait_again() -> None:
    day, (slot,) = line_day()
    join(day, slot, day.person())
    zoe = day.person()
    waiting = join(day, slot, zoe)
    applied(remove(day, waiting))
    (member,) = day.state.find(MEMBERS, waiting)
    assert (member.live, member.waiting) == (False, None)
    again = join(day, slot, zoe)
    assert place_in_line(day.state, day.claim(again)) == 1


def test_nonsense() -> None:
    day, _, _, (one, *_) = queue(1, 1)
    refused(promote(day), "INVALID")
    refused(promote(day, one, role="volunteer"), "NOT_ALLOWED")
    refused(remove(day, one, role="public"), "NOT_ALLOWED")
    refused(promote(day, one, programme=new_id()), "NOT_FOUND")
    refused(promote(day, one, seen={f"slot_reservations/{one}": 4}), "MOVED")
    refused(promote(day, one, one), "SLOT_FULL")


def test_a_hold_that_ran_out_is_no_reason_to_refuse() -> None:
    day, (slot,) = line_day()
    hold = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"})).answer
    one, two = join(day, slot, reserved_name="one"), join(day, slot, reserved_name="two")
    refused(promote(day, two), "SLOT_FULL")
    day.now = hold["expires_at"]
    refused(promote(day, two), "SLOT_FULL")
    applied(promote(day, one))
    assert day.claim(hold["reservation_id"]).claim == "expired"
