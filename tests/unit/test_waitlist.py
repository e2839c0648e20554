"""The line: who waits where, in which order, and who is promoted when room comes free."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot
from server_sync.rules.state import MEMBERS
from server_sync.rules.waiting import line, place_in_line
from tests.unit.day import Day, applied, refused


def line_day(capacity: int = 1, count: int = 1, **event: Any) -> tuple[Day, list[EventSlot]]:
    """A day with an event that keeps a line."""
    day = Day()
    id = day.create("event", name="Choir", waitlist_enabled=True)
    row = day.state.get(Event, id)
    assert row is not None
    day.put(structs.replace(row, **event))
    return day, day.slots(count, capacity=capacity, event=id)


def join(day: Day, slot: EventSlot, *people: Id, **args: Any) -> Id:
    """The id of a reservation that waits if there is no room; each comes a second after the one before."""
    day.now += timedelta(seconds=1)
    answer = applied(
        day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": people, "on_full": "waitlist", **args})
    ).answer
    id: Id = answer["reservation_id"]
    return id


def test_who_comes_too_late_waits_and_the_first_of_them_gets_the_place() -> None:
    day, (slot,) = line_day()
    ann, bea, cyd, dot = (day.person(name) for name in ("Ann", "Bea", "Cyd", "Dot"))
    first, second, third = join(day, slot, ann), join(day, slot, bea), join(day, slot, cyd)
    assert [day.claim(id).claim for id in (first, second, third)] == ["reserved", "waitlisted", "waitlisted"]
    assert [place_in_line(day.state, day.claim(id)) for id in (first, second, third)] == [None, 1, 2]
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [dot]}), "SLOT_FULL")
    refused(
        day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [bea], "on_full": "waitlist"}),
        "ALREADY_WAITING",
    )
    answer = applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert answer["promoted"] == [second]
    assert day.claim(second).claim == "reserved"
    (member,) = day.state.find(MEMBERS, second)
    assert (member.live, member.waiting) == (True, None)
    assert place_in_line(day.state, day.claim(third)) == 1
    assert day.slot(slot).reserved_count == 1


def test_without_a_line_the_full_event_refuses() -> None:
    day, (slot,) = line_day(waitlist_enabled=False)
    join(day, slot, day.person())
    refused(
        day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "B", "on_full": "waitlist"}), "SLOT_FULL"
    )


@pytest.mark.parametrize(("order", "promoted"), [("strict", 0), ("best_fit", 1)])
def test_a_big_party_in_front(order: str, promoted: int) -> None:
    day, (slot,) = line_day(capacity=3, waitlist_order=order)
    one, two, three = (join(day, slot, reserved_name=str(n)) for n in range(3))
    big, small = join(day, slot, reserved_name="big", guests=1), join(day, slot, reserved_name="small")
    answer = applied(day.do("reservation.cancel", {"reservation_id": one})).answer
    assert answer.get("promoted", []) == [small][:promoted]
    if order == "strict":
        refused(day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "late"}), "LINE_AHEAD")
        assert applied(day.do("reservation.cancel", {"reservation_id": two})).answer["promoted"] == [big]
    else:
        assert applied(day.do("reservation.cancel", {"reservation_id": two})).answer.get("promoted") is None
        assert applied(day.do("reservation.cancel", {"reservation_id": three})).answer["promoted"] == [big]


def test_the_line_moves_up_when_the_party_in_front_gives_up() -> None:
    day, (slot,) = line_day(capacity=2)
    join(day, slot, reserved_name="a")
    second = join(day, slot, reserved_name="b")
    big, small = join(day, slot, reserved_name="big", guests=1), join(day, slot, reserved_name="small")
    applied(day.do("reservation.cancel", {"reservation_id": second}))
    assert day.claim(small).claim == "waitlisted"
    assert applied(day.do("reservation.cancel", {"reservation_id": big})).answer["promoted"] == [small]


def test_waiting_for_any_slot_of_the_event() -> None:
    day, slots = line_day(count=3)
    claims = [join(day, slot, day.person()) for slot in slots]
    zoe = day.person()
    args = {"event_id": slots[0].event_id, "participant_ids": [zoe], "on_full": "waitlist"}
    waiting = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    refused(day.do("reservation.reserve", args), "ALREADY_WAITING")
    assert applied(day.do("reservation.cancel", {"reservation_id": claims[1]})).answer["promoted"] == [waiting]
    assert day.claim(waiting).slot_id == slots[1].id
    refused(day.do("reservation.reserve", args), "ALREADY_RESERVED")


def test_who_is_somewhere_else_by_now_is_passed_and_keeps_the_place_in_line() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(1)
    first, ann = join(day, slot, day.person()), day.person("Ann")
    waiting, behind = join(day, slot, ann), join(day, slot, day.person("Bea"))
    day.reserve(elsewhere, ann)
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [behind]
    assert place_in_line(day.state, day.claim(waiting)) == 1


def test_a_place_freed_in_a_limited_event_goes_to_whoever_waits_for_it_anywhere() -> None:
    day, slots = line_day(capacity=2, count=2)
    day.put(structs.replace(applied_event(day, slots[0].event_id), capacity=2))
    first = join(day, slots[0], reserved_name="a")
    join(day, slots[0], reserved_name="b")
    waiting = join(day, slots[1], reserved_name="c")
    assert day.claim(waiting).claim == "waitlisted", "the event is full though the slot is not"
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [waiting]


def applied_event(day: Day, id: Id) -> Event:
    """The event's row."""
    row = day.state.get(Event, id)
    assert row is not None
    return row


def test_an_override_goes_past_a_full_slot_and_nobody_is_promoted_while_it_is_overbooked() -> None:
    day, (slot,) = line_day()
    first, waiting = join(day, slot, reserved_name="a"), join(day, slot, reserved_name="b")
    refused(day.do("reservation.override", {"slot_id": slot.id, "reserved_name": "vip"}), "REASON_NEEDED")
    args = {"slot_id": slot.id, "reserved_name": "vip", "override_reason": "the mayor"}
    refused(day.do("reservation.override", args, role="volunteer"), "NOT_ALLOWED")
    applied(day.do("reservation.override", args))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (2, 1)
    assert "promoted" not in applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (1, 0)
    assert day.claim(waiting).claim == "waitlisted"


def test_a_move_leaves_its_place_to_the_line() -> None:
    day, slots = line_day(count=2)
    first, waiting = join(day, slots[0], reserved_name="a"), join(day, slots[0], reserved_name="b")
    answer = applied(day.do("reservation.move", {"reservation_id": first, "slot_id": slots[1].id})).answer
    assert answer["promoted"] == [waiting]


def cancel(day: Day, id: Id) -> list[Id]:
    """Who is promoted when that reservation ends."""
    day.now += timedelta(seconds=1)
    promoted: list[Id] = applied(day.do("reservation.cancel", {"reservation_id": id})).answer.get("promoted", [])
    return promoted


def any_slot(day: Day, event: Id, *people: Id, **args: Any) -> Id:
    """The id of a reservation that takes whichever slot of the event has room."""
    day.now += timedelta(seconds=1)
    wanted = {"event_id": event, "participant_ids": people, "on_full": "waitlist", **args}
    id: Id = applied(day.do("reservation.reserve", wanted)).answer["reservation_id"]
    return id


def test_who_waits_and_is_elsewhere_is_in_no_newcomers_way() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(1)
    first, ann = join(day, slot, day.person()), day.person("Ann")
    waiting = join(day, slot, ann)
    there = day.reserve(elsewhere, ann)
    assert cancel(day, first) == []
    newcomer = join(day, slot, day.person("Bea"))
    assert day.claim(newcomer).claim == "reserved"
    cancel(day, there)
    assert cancel(day, newcomer) == [waiting]


def test_forty_who_are_elsewhere_are_passed_in_few_rounds() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(1, capacity=60)
    first = join(day, slot, reserved_name="first")
    people = [day.person(f"P{n}") for n in range(40)]
    busy = [join(day, slot, person) for person in people]
    for person in people:
        day.reserve(elsewhere, person)
    behind = join(day, slot, day.person("Behind"))
    assert cancel(day, first) == [behind]
    assert {day.claim(id).claim for id in busy} == {"waitlisted"}
    assert cancel(day, behind) == []
    late = join(day, slot, day.person("Late"))
    assert day.claim(late).claim == "reserved"


def test_a_block_that_was_full_serves_who_waits_for_any_of_its_slots() -> None:
    day = Day()
    event = day.create("event", name="Choir", waitlist_enabled=True)
    one, two = day.slots(2, capacity=3, max_capacity=2, event=event)
    first = join(day, one, reserved_name="a")
    join(day, one, reserved_name="b")
    zoe = day.person()
    day.put(structs.replace(day.slot(one), capacity=2))
    free, there = any_slot(day, event, zoe), join(day, two, reserved_name="two")
    day.put(structs.replace(day.slot(one), status="closed"))
    assert cancel(day, first) == [free], "the place counted against the block, and the other slot has room"
    assert day.claim(free).slot_id == two.id
    assert cancel(day, free) == [there]


def test_in_strict_order_a_party_that_is_served_elsewhere_closes_nothing_to_those_behind() -> None:
    day, (one, two) = line_day(capacity=3, count=2)
    a, b = join(day, one, reserved_name="a", guests=2), join(day, two, reserved_name="b", guests=2)
    trio = any_slot(day, one.event_id, reserved_name="trio", guests=2)
    solo = join(day, one, reserved_name="solo")
    small = applied(day.do("reservation.update", {"reservation_id": a, "guests": 1})).answer
    assert "promoted" not in small, "the trio comes first, and is too big"
    assert cancel(day, b) == [trio, solo], "nobody stands in the solo's way any more"
    assert (day.claim(trio).slot_id, day.claim(solo).slot_id) == (two.id, one.id)


def test_the_trio_that_gives_up_had_kept_every_slot_from_those_behind() -> None:
    day, (one, two) = line_day(capacity=3, count=2)
    a, b = join(day, one, reserved_name="a", guests=2), join(day, two, reserved_name="b", guests=2)
    trio = any_slot(day, one.event_id, reserved_name="trio", guests=2)
    behind = [join(day, slot, reserved_name="x") for slot in (one, two)]
    for id in (a, b):
        assert "promoted" not in applied(day.do("reservation.update", {"reservation_id": id, "guests": 1})).answer
    assert cancel(day, trio) == behind


def test_strict_order_stops_what_it_must_and_nothing_else() -> None:
    """Who is too big for a slot stops those behind who wait for it; who waits for another slot is not behind them."""
    day, (one, two) = line_day(capacity=2, count=2)
    a, b = join(day, one, reserved_name="a", guests=1), join(day, two, reserved_name="b", guests=1)
    big_one, small_one = join(day, one, reserved_name="big", guests=1), join(day, one, reserved_name="small")
    small_two = join(day, two, reserved_name="two")
    applied(day.do("reservation.update", {"reservation_id": a, "guests": 0}))
    assert (day.claim(big_one).claim, day.claim(small_one).claim) == ("waitlisted", "waitlisted")
    assert cancel(day, b) == [small_two]
    assert cancel(day, a) == [big_one]


@pytest.mark.parametrize(("order", "served"), [("strict", []), ("best_fit", [2])])
def test_a_limited_event_over_several_slots(order: str, served: list[int]) -> None:
    """In strict order who is too big for the event stops everybody, whichever slot they wait for."""
    day, slots = line_day(capacity=3, count=3, waitlist_order=order)
    event = slots[0].event_id
    day.put(structs.replace(applied_event(day, event), capacity=4))
    a = join(day, slots[0], reserved_name="a", guests=1)
    join(day, slots[1], reserved_name="b", guests=1)
    waiting = [
        join(day, slots[1], reserved_name="too big for its slot", guests=1),
        join(day, slots[2], reserved_name="too big for the event", guests=2),
        join(day, slots[2], reserved_name="small"),
    ]
    day.put(structs.replace(day.slot(slots[1]), capacity=2))
    answer = applied(day.do("reservation.update", {"reservation_id": a, "guests": 0})).answer
    assert answer.get("promoted", []) == [waiting[n] for n in served]
    assert applied_event(day, event).reserved_count == 3 + len(served)


def test_nobody_who_waits_is_promoted_into_two_places_by_one_command() -> None:
    day, (one,) = line_day()
    (two,) = day.slots(1)
    day.put(structs.replace(applied_event(day, two.event_id), waitlist_enabled=True))
    a, b = join(day, one, reserved_name="a"), join(day, two, reserved_name="b")
    zoe = day.person()
    first, second = join(day, one, zoe), join(day, two, zoe)
    assert cancel(day, a) == [first]
    assert cancel(day, b) == []
    assert day.claim(second).claim == "waitlisted"


def test_a_closed_slot_promotes_nobody_and_a_full_block_neither() -> None:
    day, (slot, other) = line_day(count=2)
    first, waiting = join(day, slot, reserved_name="a"), join(day, slot, reserved_name="b")
    day.put(structs.replace(day.slot(slot), status="closed"))
    assert cancel(day, first) == []
    day.put(structs.replace(day.slot(slot), status="open"))
    there = join(day, other, reserved_name="c")
    applied(day.do("reservation.move", {"reservation_id": waiting, "slot_id": slot.id}))
    assert day.claim(there).claim == "reserved"


def test_a_waiting_party_that_is_moved_where_a_hold_ran_out_gets_there_once() -> None:
    day, (slot, other) = line_day(count=2)
    join(day, slot, reserved_name="a")
    hold = applied(day.do("reservation.hold", {"slot_id": other.id, "reserved_name": "h"})).answer
    waiting = any_slot(day, slot.event_id, day.person())
    assert day.claim(waiting).claim == "waitlisted"
    day.now = hold["expires_at"]
    applied(day.do("reservation.move", {"reservation_id": waiting, "slot_id": other.id}))
    assert (day.claim(waiting).slot_id, day.slot(other).reserved_count) == (other.id, 1)


def test_nobody_waits_twice_for_any_slot_of_an_event() -> None:
    day, (one, two) = line_day(count=2)
    for slot in (one, two):
        join(day, slot, reserved_name="a")
    zoe = day.person()
    waiting = any_slot(day, one.event_id, zoe)
    day.put(structs.replace(day.slot(one), status="cancelled"))
    again = {"event_id": one.event_id, "participant_ids": [zoe], "on_full": "waitlist"}
    assert refused(day.do("reservation.reserve", again), "ALREADY_WAITING")["reservation_id"] == waiting


@pytest.mark.parametrize("order", ["strict", "best_fit"])
@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_could_be_served_is_left(order: str, seed: int) -> None:
    """After any command the line is served as far as its order allows, and counts hold."""
    random = Random(seed)
    day, slots = line_day(capacity=3, count=3, waitlist_order=order)
    event = slots[0].event_id
    if seed % 2:
        day.put(structs.replace(applied_event(day, event), capacity=6))
    ids: list[Id] = []
    for _ in range(60):
        day.now += timedelta(seconds=1)
        live = [id for id in ids if day.claim(id).claim in ("reserved", "waitlisted")]
        size = {"guests": random.randrange(3)}
        dice = random.random()
        if dice < 0.55 or not live:
            where = {"event_id": event} if random.random() < 0.4 else {"slot_id": random.choice(slots).id}
            wanted = where | size | {"reserved_name": "x", "on_full": "waitlist"}
            ids.append(applied(day.do("reservation.reserve", wanted)).answer["reservation_id"])
        elif dice < 0.85:
            applied(day.do("reservation.cancel", {"reservation_id": random.choice(live)}))
        else:
            day.do("reservation.update", {"reservation_id": random.choice(live), **size})
        assert could_be_served(day, slots, order) == []


def could_be_served(day: Day, slots: list[EventSlot], order: str) -> list[Id]:
    """Who waits though there is room, and nobody in front who waits for it."""
    free = {slot.id: slot.capacity - slot.reserved_count for slot in map(day.slot, slots)}
    event = applied_event(day, slots[0].event_id)
    left = 1000 if event.capacity is None else event.capacity - event.reserved_count
    assert min(free.values()) >= 0
    assert left >= 0
    found: list[Id] = []
    stopped: set[Id] = set()
    for claim in line(day.state, event.id):
        wants = list(free) if claim.any_slot else [claim.slot_id]
        open_to = [id for id in wants if id not in stopped]
        if any(free[id] >= claim.spots for id in open_to) and left >= claim.spots:
            found.append(claim.id)
        if order == "strict":
            if any(free[id] >= claim.spots for id in open_to):
                return found  # it is the event that is too full for it, and so for everybody behind
            stopped |= set(wants)
    return found


def test_after_a_hold_ran_out_the_line_still_comes_before_who_is_late() -> None:
    day, (slot,) = line_day(capacity=2)
    hold = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"})).answer
    join(day, slot, reserved_name="a")
    big = join(day, slot, day.person("Ann"), day.person("Bob"))
    day.now = hold["expires_at"]
    late = {"slot_id": slot.id, "reserved_name": "late"}
    for kind in ("reservation.hold", "reservation.reserve"):
        refused(day.do(kind, late), "LINE_AHEAD")
    assert place_in_line(day.state, day.claim(big)) == 1


def test_a_slot_that_was_too_small_for_the_trio_is_open_to_those_behind_once_the_trio_is_elsewhere() -> None:
    day, (one, two) = line_day(capacity=3, count=2)
    day.put(structs.replace(applied_event(day, one.event_id), capacity=100))
    a, b = join(day, one, reserved_name="a", guests=2), join(day, two, reserved_name="b", guests=2)
    trio = any_slot(day, one.event_id, reserved_name="trio", guests=2)
    solo = join(day, one, reserved_name="solo")
    assert "promoted" not in applied(day.do("reservation.update", {"reservation_id": a, "guests": 1})).answer
    assert cancel(day, b) == [trio, solo]
    assert (day.claim(trio).slot_id, day.claim(solo).slot_id) == (two.id, one.id)


def test_a_party_that_can_never_fit_is_in_nobodys_way() -> None:
    day, (slot,) = line_day(capacity=2)
    giant = join(day, slot, reserved_name="giant", guests=5)
    assert day.claim(giant).claim == "waitlisted"
    first, second = join(day, slot, reserved_name="a"), join(day, slot, reserved_name="b")
    assert (day.claim(first).claim, day.claim(second).claim) == ("reserved", "reserved")
    third = join(day, slot, reserved_name="c")
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [third]


def test_who_waits_and_comes_free_elsewhere_has_the_place_that_stood_empty() -> None:
    day, (slot,) = line_day()
    (elsewhere,) = day.slots(1)
    first, ann = join(day, slot, day.person()), day.person("Ann")
    waiting, busy = join(day, slot, ann), day.reserve(elsewhere, ann)
    assert "promoted" not in applied(day.do("reservation.cancel", {"reservation_id": first})).answer
    assert applied(day.do("reservation.cancel", {"reservation_id": busy})).answer["promoted"] == [waiting]
