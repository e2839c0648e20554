"""A line never stands still beside a free place, and nobody passes it, whatever changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot
from server_sync.rules.state import MEMBERS
from server_sync.rules.waiting import line
from tests.unit.day import NOON, Day, applied, at, refused, reservation_id
from tests.unit.hall import Hall
from tests.unit.test_waitlist import join, line_day


def anywhere(day: Day, slot: EventSlot, *people: Id, **args: Any) -> Any:
    """The verdict on reserving in the first slot of the event that has room."""
    asked = {"event_id": slot.event_id, "participant_ids": people, "on_full": "waitlist", **args}
    return day.do("reservation.reserve", asked)


def hold(day: Day, slot: EventSlot, *people: Id, **args: Any) -> Id:
    """The id of a hold, which ends after three minutes."""
    return reservation_id(day.do("reservation.hold", {"slot_id": slot.id, "participant_ids": people, **args}))


def seats(hall: Hall, claim: Id | None = None) -> list[Id]:
    """The seats that a claim has, or that nobody has, as they stand in the room."""
    return [seat.seat_id for _, seat in sorted(hall.map().items()) if seat.reservation_id == claim]


def cancel(day: Day, id: Id) -> Any:
    return applied(day.do("reservation.cancel", {"reservation_id": id})).answer


# ------------------------------------------------------------- what is over


def test_nobody_is_sent_to_a_slot_that_is_over() -> None:
    day, (early, late) = line_day(count=2)
    day.now = late.start_time
    assert day.claim(reservation_id(anywhere(day, early, reserved_name="Ann"))).slot_id == late.id
    day.now = late.end_time
    assert refused(anywhere(day, early, reserved_name="Bea"), "SLOT_CLOSED")["reason"] == "all its slots are over"
    refused(day.do("reservation.hold", {"event_id": early.event_id, "reserved_name": "Cyd"}), "SLOT_CLOSED")


def test_a_slot_that_is_over_is_given_to_nobody_who_waits_and_may_still_be_named() -> None:
    day, (slot,) = line_day()
    first, waiting = join(day, slot, reserved_name="first"), join(day, slot, reserved_name="waits")
    day.now = slot.end_time
    assert "promoted" not in cancel(day, first)
    assert day.claim(waiting).claim == "waitlisted"
    asked = {"slot_id": slot.id, "reserved_name": "was there, by the paper list"}
    reservation_id(day.do("reservation.reserve", asked))
    refused(
        day.do("reservation.reserve", {**asked, "on_full": "waitlist"}), "SLOT_FULL"
    )  # nobody waits for what is over


# ------------------------------------------------------- waivers of who waits


@pytest.mark.parametrize("where", ["slot", "event"])
def test_who_may_be_in_two_places_is_served_in_turn(where: str) -> None:
    day, (slot,) = line_day()
    zoe = day.person()
    day.reserve(day.slots()[0], zoe)  # elsewhere at that time
    first = join(day, slot, reserved_name="first")
    place = {"slot_id": slot.id} if where == "slot" else {"event_id": slot.event_id}
    asked = {**place, "participant_ids": [zoe], "on_full": "waitlist", "waive_reason": "sings in both"}
    waiting = reservation_id(day.do("reservation.reserve", asked))
    behind = join(day, slot, reserved_name="behind")
    assert cancel(day, first)["promoted"] == [waiting]
    (member,) = day.state.find(MEMBERS, waiting)
    assert (member.live, member.waived, member.waived_reason) == (True, True, "sings in both")
    assert day.claim(behind).claim == "waitlisted"


def test_who_joins_a_waiting_party_with_a_waiver_has_it_when_the_turn_comes() -> None:
    day, (slot,) = line_day(capacity=2)
    zoe = day.person()
    first = join(day, slot, reserved_name="first", guests=1)
    waiting = join(day, slot, day.person("Ann"))
    day.reserve(day.slots()[0], zoe)
    args = {"reservation_id": waiting, "add_participant_ids": [zoe], "waive_reason": "twins"}
    applied(day.do("reservation.update", args))
    assert cancel(day, first)["promoted"] == [waiting]
    assert {member.waived_reason for member in day.state.find(MEMBERS, waiting)} == {None, "twins"}


def test_a_host_promotes_somebody_who_is_elsewhere_for_a_reason() -> None:
    day, (slot,) = line_day()
    zoe = day.person()
    first, waiting = join(day, slot, reserved_name="first"), join(day, slot, zoe)
    day.reserve(day.slots()[0], zoe)
    assert "promoted" not in cancel(day, first)
    asked = {"reservation_ids": [waiting]}
    refused(day.do("waitlist.promote", asked), "DOUBLE_BOOKED")
    refused(day.do("waitlist.promote", {**asked, "waive_reason": "x"}, role="room_manager"), "NOT_ALLOWED")
    applied(day.do("waitlist.promote", {**asked, "waive_reason": "sings in both"}))
    assert [member.waived_reason for member in day.state.find(MEMBERS, waiting)] == ["sings in both"]


# --------------------------------------------------- overrides without a slot


def test_an_override_takes_a_free_place_before_it_makes_one() -> None:
    day, (early, late) = line_day(count=2)
    join(day, early, reserved_name="first")
    override = {"event_id": early.event_id, "reserved_name": "the mayor", "override_reason": "the mayor"}
    assert day.claim(reservation_id(day.do("reservation.override", override))).slot_id == late.id
    applied(day.do("slot.block", {"slot_id": early.id, "reason": "piano tuner"}))
    second = reservation_id(day.do("reservation.override", {**override, "reserved_name": "his wife"}))
    assert day.claim(second).slot_id == late.id, "what is open and full comes before what is closed"
    assert (day.slot(early).overbooked_count, day.slot(late).overbooked_count) == (0, 1)


# ------------------------------------------------ who stands in nobody's way


def test_a_party_that_outgrows_the_place_lets_those_behind_pass() -> None:
    day, (slot,) = line_day(capacity=3)
    join(day, slot, reserved_name="in", guests=1)
    head, behind = join(day, slot, reserved_name="head", guests=1), join(day, slot, reserved_name="behind")
    args = {"reservation_id": head, "guests": 5}
    assert applied(day.do("reservation.update", args)).answer["promoted"] == [behind]


def test_a_party_that_is_elsewhere_by_now_keeps_no_place_empty() -> None:
    day, (slot,) = line_day(capacity=2)
    first, _ = join(day, slot, reserved_name="first"), join(day, slot, reserved_name="stays")
    ann = day.person("Ann")
    head, behind = join(day, slot, ann, guests=1), join(day, slot, reserved_name="behind")
    day.reserve(day.slots()[0], ann)
    assert cancel(day, first)["promoted"] == [behind]
    assert day.claim(head).claim == "waitlisted"


@pytest.mark.parametrize("what", ["slot", "block", "event"])
def test_a_lowered_capacity_lets_those_pass_who_still_fit(what: str) -> None:
    day, (slot,) = line_day(capacity=4)
    join(day, slot, reserved_name="in", guests=1)
    join(day, slot, reserved_name="head", guests=3)
    behind = join(day, slot, reserved_name="behind")
    ids = {"slot": slot.id, "block": slot.time_block_id, "event": slot.event_id}
    limit = "max_capacity" if what == "block" else "capacity"
    assert applied(day.do(f"{what}.update", {f"{what}_id": ids[what], limit: 3})).answer["promoted"] == [behind]


CLOSED = [f"{what}.{how}" for what in ("slot", "block", "location") for how in ("close", "cancel", "retire")]


@pytest.mark.parametrize("any_slot", [False, True])
@pytest.mark.parametrize("what", CLOSED)
def test_who_can_not_come_there_any_more_lets_those_pass_who_wait_for_the_last_place_of_the_event(
    what: str, any_slot: bool
) -> None:
    day, (first,) = line_day(capacity=4)
    event = first.event_id
    (second,), (third,) = (day.slots(capacity=n, event=event, start=NOON + timedelta(hours=3 * n)) for n in (1, 4))
    join(day, third, reserved_name="in", guests=2)
    leaves = join(day, third, reserved_name="leaves")
    applied(day.do("event.update", {"event_id": event, "capacity": 4}))
    if any_slot:
        reservation_id(anywhere(day, first, reserved_name="head", guests=1))
    else:
        join(day, first, reserved_name="head", guests=1)
    behind = join(day, second, reserved_name="behind")
    applied(day.do("slot.block", {"slot_id": third.id, "reason": "broken"}))
    assert "promoted" not in cancel(day, leaves)
    named = {"slot": first.id, "block": first.time_block_id, "location": first.location_id}
    kind, _, how = what.partition(".")
    args = {f"{kind}_id": named[kind], "reason": "broken"} | ({"cancel_people": True} if how == "retire" else {})
    said = day.do(what.replace("slot.close", "slot.block"), args)
    assert applied(said).answer["promoted"] == [behind]


def test_seats_that_leave_let_those_pass_who_still_fit() -> None:
    hall = Hall(2, waitlist_enabled=True)
    day, slot = hall.day, hall.slot
    join(day, slot, reserved_name="in", guests=1)
    join(day, slot, reserved_name="head", guests=3)
    behind = join(day, slot, reserved_name="behind")
    assert applied(day.do("seats.retire", {"seat_ids": seats(hall)[:1]})).answer["promoted"] == [behind]


@pytest.mark.parametrize("what", ["slot", "block"])
def test_who_was_elsewhere_gets_the_place_once_it_is_at_another_time(what: str) -> None:
    day, (early,) = line_day()
    (slot,) = day.slots(1, event=early.event_id, start=at(14))
    join(day, early, reserved_name="stays")
    first, zoe = join(day, slot, reserved_name="first"), day.person()
    waiting = reservation_id(anywhere(day, slot, zoe))
    day.reserve(day.slots(1, start=at(14))[0], zoe)
    assert "promoted" not in cancel(day, first)
    applied(day.do("block.update", {"block_id": slot.time_block_id, "end_time": at(15)}))
    place = {"slot_id": slot.id} if what == "slot" else {"block_id": slot.time_block_id}
    moved = day.do(f"{what}.update", {**place, "start_time": at(14, 30), "end_time": at(15)})
    assert applied(moved).answer["promoted"] == [waiting]


def test_a_place_for_any_slot_is_not_given_to_who_has_one_in_the_event() -> None:
    day, slots = line_day(count=2)
    firsts = [join(day, slot, reserved_name=slot.id) for slot in slots]
    zoe = day.person()
    any_slot = reservation_id(anywhere(day, slots[0], zoe))
    own = join(day, slots[1], zoe)
    assert cancel(day, firsts[1])["promoted"] == [own]
    behind = join(day, slots[0], reserved_name="behind")
    assert cancel(day, firsts[0])["promoted"] == [behind]
    assert day.claim(any_slot).claim == "waitlisted"


def test_who_moves_within_the_event_takes_nothing_from_those_who_take_any_slot() -> None:
    day, slots = line_day(count=2, capacity=2)
    applied(day.do("event.update", {"event_id": slots[0].event_id, "capacity": 2}))
    mine = join(day, slots[0], reserved_name="mine")
    join(day, slots[0], reserved_name="other")
    reservation_id(anywhere(day, slots[0], reserved_name="waits"))
    applied(day.do("reservation.move", {"reservation_id": mine, "slot_id": slots[1].id}))


# ----------------------------------------------------- who steps out of the way


def trio_day() -> tuple[Day, Id, Id, Id]:
    """One place free, which Zoë's party of three keeps from Bea behind it.

    The day, Zoë, Bea's claim, and one of Zoë's at the same time that she has cancelled.
    """
    day, (slot,) = line_day(capacity=3)
    join(day, slot, reserved_name="in", guests=1)
    zoe = day.person()
    cancel(day, before := day.reserve(day.slots()[0], zoe))
    join(day, slot, zoe, guests=2)
    behind = join(day, slot, reserved_name="Bea")
    assert day.claim(behind).claim == "waitlisted"
    return day, zoe, behind, before


@pytest.mark.parametrize("how", ["reserve", "hold", "walk_in", "assign", "override", "move", "update"])
def test_who_takes_a_place_elsewhere_steps_out_of_the_way(how: str) -> None:
    day, zoe, behind, _ = trio_day()
    there, later = day.slots()[0], day.slots(start=at(15))[0]
    asked: dict[str, Any] = {"slot_id": there.id, "participant_ids": [zoe]}
    if how == "walk_in":
        asked = {"slot_id": there.id, "participant_id": zoe}
    elif how == "assign":
        asked = {"assignments": [asked]}
    elif how == "override":
        day.reserve(there, day.person("Ann"))
        asked["override_reason"] = "her turn"
    elif how == "move":
        asked = {"reservation_id": day.reserve(later, zoe), "slot_id": there.id}
    elif how == "update":
        two = day.slots(capacity=2)[0]
        asked = {"reservation_id": day.reserve(two, day.person("Ann")), "add_participant_ids": [zoe]}
    applied(day.do(f"reservation.{how}", asked))
    assert day.claim(behind).claim == "reserved"


def test_whose_reservation_is_reinstated_steps_out_of_the_way() -> None:
    day, _, behind, before = trio_day()
    assert applied(day.do("reservation.reinstate", {"reservation_id": before})).answer["promoted"] == [behind]


def test_whom_the_line_of_another_event_takes_steps_out_of_the_way() -> None:
    day, zoe, behind, _ = trio_day()
    (other,) = day.slots(event=day.create("event", name="Jazz", waitlist_enabled=True))
    first, waiting = join(day, other, reserved_name="first"), join(day, other, zoe)
    assert cancel(day, first)["promoted"] == [waiting, behind]


def test_whom_a_host_promotes_steps_out_of_the_way() -> None:
    day, zoe, behind, _ = trio_day()
    (other,) = day.slots(event=day.create("event", name="Jazz", waitlist_enabled=True))
    join(day, other, reserved_name="first")
    waiting = join(day, other, zoe)
    args = {"reservation_ids": [waiting], "override_reason": "her turn"}
    assert applied(day.do("waitlist.promote", args)).answer["promoted"] == [behind]


@pytest.mark.parametrize("stays", ["who waits", "who is elsewhere"])
def test_who_turns_out_to_be_somebody_who_is_elsewhere_steps_out_of_the_way(stays: str) -> None:
    day, zoe, behind, _ = trio_day()
    double = day.person("Zoe")
    day.reserve(day.slots()[0], double)
    names = ("participant_id", "duplicate_id") if stays == "who waits" else ("duplicate_id", "participant_id")
    answer = applied(day.do("participant.merge", dict(zip(names, (zoe, double), strict=True)))).answer
    assert answer["promoted"] == [behind]


def test_a_guest_who_turns_out_to_have_a_place_in_the_event_lets_those_behind_pass() -> None:
    day, slots = line_day(capacity=3, count=2)
    cyd = day.person("Cyd")
    join(day, slots[0], reserved_name="in", guests=1)
    join(day, slots[1], cyd, guests=1)
    party = reservation_id(anywhere(day, slots[0], day.person("Ann"), guests=2))
    behind = reservation_id(anywhere(day, slots[0], reserved_name="Bea"))
    assert day.claim(behind).claim == "waitlisted"
    named = {"reservation_id": party, "add_participant_ids": [cyd], "guests": 1}
    assert applied(day.do("reservation.update", named)).answer["promoted"] == [behind]


def test_whose_own_hold_runs_out_has_the_place_that_stood_empty_for_it() -> None:
    day, (slot,) = line_day()
    (other,), (late,) = day.slots(event=slot.event_id), day.slots(event=slot.event_id, start=at(15))
    day.now = at(9)
    first, zoe = join(day, slot, reserved_name="first"), day.person()
    waiting, later = join(day, slot, zoe), join(day, late, reserved_name="later")
    hold(day, other, zoe)
    assert "promoted" not in cancel(day, first)
    day.now += timedelta(minutes=10)
    assert cancel(day, later)["promoted"] == [waiting]


def test_who_joins_the_line_of_one_slot_waits_for_it_no_longer_with_the_party_that_takes_any() -> None:
    day, slots = line_day(capacity=3, count=2)
    for slot in slots:
        join(day, slot, reserved_name="in", guests=1)
    zoe = day.person()
    reservation_id(anywhere(day, slots[0], zoe, guests=2))
    assert day.claim(join(day, slots[1], zoe)).claim == "reserved"


def test_who_takes_a_place_at_another_time_keeps_the_place_in_line() -> None:
    day, zoe, behind, _ = trio_day()
    day.reserve(day.slots(start=at(15))[0], zoe)
    assert day.claim(behind).claim == "waitlisted"


# ------------------------------------------------------------- smaller things


def test_several_put_in_line_at_once_take_their_own_moments() -> None:
    day, (slot,) = line_day()
    join(day, slot, reserved_name="in")
    many = [{"slot_id": slot.id, "reserved_name": f"{n}", "on_full": "waitlist"} for n in range(4)]
    verdict = applied(day.do("reservation.assign", {"assignments": many}))
    assert verdict.moments == 4
    times = [claim.queued_at or claim.reserved_at for claim in line(day.state, slot.event_id)]
    assert times == sorted(set(times)) == [day.now + timedelta(microseconds=n) for n in range(4)]


def test_who_waits_for_a_closed_slot_may_still_say_how_many_they_are() -> None:
    day, (slot,) = line_day(capacity=4)
    join(day, slot, reserved_name="in", guests=3)
    waiting = join(day, slot, reserved_name="waits")
    applied(day.do("slot.block", {"slot_id": slot.id, "reason": "piano tuner"}))
    applied(day.do("reservation.update", {"reservation_id": waiting, "guests": 2}))
    assert day.claim(waiting).spots == 3


def test_seats_named_where_there_are_none_are_refused() -> None:
    day, (slot, other) = line_day(count=2)
    mine = join(day, slot, reserved_name="mine")
    seat = seats(Hall(1))[:1]
    refused(day.do("reservation.move", {"reservation_id": mine, "slot_id": other.id, "seat_ids": seat}), "NO_SEATS")
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 3}))
    refused(day.do("reservation.update", {"reservation_id": mine, "guests": 1, "seat_ids": seat}), "NO_SEATS")
    said = {"reservation_id": mine, "special_requirements": "ramp", "seat_ids": seat}
    assert refused(day.do("reservation.update", said), "INVALID")["field"] == "seat_ids"


def test_whoever_is_taken_out_of_a_seated_party_leaves_its_last_seat() -> None:
    hall = Hall(4)
    day, slot = hall.day, hall.slot
    people = [day.person(name) for name in ("Ann", "Bea", "Cyd", "Dot")]
    mine = day.reserve(slot, *people)
    names = hall.of(mine)
    applied(day.do("participant.retire", {"participant_id": people[0], "cancel_claims": True, "reason": "moved away"}))
    assert hall.of(mine) == names[:-1]


# ------------------------------------------------------------- large parties


PARTIES = (1, 4, 12, 30, 60)


@pytest.mark.parametrize("size", PARTIES)
def test_however_many_they_are_it_takes_as_many_looks(size: int) -> None:
    """Everybody is looked up together: one by one, a large party would be told for ever that the centre is busy."""
    day, slots = line_day(count=3, capacity=200)
    people = [day.person(f"P{n}") for n in range(size)]
    mine = day.reserve(slots[0], *people)
    cancel(day, mine)
    applied(day.do("reservation.reinstate", {"reservation_id": mine}))
    applied(day.do("reservation.move", {"reservation_id": mine, "slot_id": slots[1].id}))
    more = [day.person(f"M{n}") for n in range(size)]
    applied(day.do("reservation.update", {"reservation_id": mine, "add_participant_ids": more}))
    applied(day.do("reservation.update", {"reservation_id": mine, "remove_participant_ids": more}))
    cancel(day, mine)
    hold(day, slots[2], *people)
    assign = {"assignments": [{"slot_id": slots[0].id, "participant_ids": [person]} for person in people]}
    applied(day.do("reservation.assign", assign))
