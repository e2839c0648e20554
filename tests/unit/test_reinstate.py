"""What was cancelled is brought back, if there is room for it by now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Participant
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def back(day: Day, id: Id, **args: Any) -> Any:
    how = {"role": args.pop("role", "volunteer"), "seen": args.pop("seen", None)}
    return day.do("reservation.reinstate", {"reservation_id": id, **args}, **how)


def cancel(day: Day, id: Id) -> None:
    applied(day.do("reservation.cancel", {"reservation_id": id}))


def test_it_has_its_places_and_its_people_again() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    zoe, ann = day.person("Zoë"), day.person("Ann")
    id = day.reserve(slot, zoe, ann, guests=1)
    cancel(day, id)
    assert applied(back(day, id, version=2)).answer == {"reservation_id": id, "slot_id": slot.id, "spots": 3}
    claim = day.claim(id)
    assert (claim.claim, claim.cancelled_at, claim.version, claim.placement_version) == ("reserved", None, 3, 3)
    assert [member.live for member in day.state.find(MEMBERS, id)] == [True, True]
    assert day.slot(slot).reserved_count == 3
    refused(back(day, id), "NOT_CANCELLED")


def test_a_hold_that_ran_out_comes_back_as_a_reservation() -> None:
    day = Day()
    (slot,) = day.slots()
    id = applied(day.do("reservation.hold", {"slot_id": slot.id, "participant_ids": [day.person()]})).answer[
        "reservation_id"
    ]
    day.now += timedelta(hours=1)
    applied(day.do("hold.expire", {"reservation_ids": [id]}))
    applied(back(day, id))
    assert (day.claim(id).claim, day.claim(id).expires_at) == ("reserved", None)


def test_what_is_full_by_now_refuses_unless_overridden() -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(slot, day.person())
    cancel(day, id)
    day.reserve(slot, day.person())
    refused(back(day, id), "SLOT_FULL")
    refused(back(day, id, override_reason="our mistake"), "NOT_ALLOWED")
    applied(back(day, id, override_reason="our mistake", role="admin"))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (2, 1)
    assert day.claim(id).override_reason == "our mistake"


def test_who_is_elsewhere_by_now() -> None:
    day = Day()
    (slot,) = day.slots()
    (elsewhere,) = day.slots(start=at(12, 5))
    zoe = day.person()
    id = day.reserve(slot, zoe)
    cancel(day, id)
    again = day.reserve(slot, zoe)
    assert refused(back(day, id), "ALREADY_RESERVED")["reservation_id"] == again
    cancel(day, again)
    day.reserve(elsewhere, zoe)
    refused(back(day, id), "DOUBLE_BOOKED")
    applied(back(day, id, waive_reason="plays in both", role="admin"))
    (member,) = day.state.find(MEMBERS, id)
    assert (member.live, member.waived_reason) == (True, "plays in both")


def test_it_does_not_pass_who_waits() -> None:
    day, (slot,) = line_day(capacity=3)
    one, two = join(day, slot, reserved_name="a"), join(day, slot, reserved_name="b", guests=1)
    big = join(day, slot, reserved_name="big", guests=1)
    cancel(day, one)
    refused(back(day, one), "LINE_AHEAD")
    cancel(day, two)
    assert day.claim(big).claim == "reserved"
    applied(back(day, one))
    refused(back(day, two), "SLOT_FULL")


def test_a_hold_that_ran_out_is_not_in_its_way() -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(slot, day.person())
    cancel(day, id)
    hold = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"})).answer
    refused(back(day, id), "SLOT_FULL")
    day.now = hold["expires_at"]
    applied(back(day, id))
    assert day.claim(hold["reservation_id"]).claim == "expired"


def test_nonsense() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    zoe = day.person()
    id = day.reserve(slot, zoe)
    cancel(day, id)
    refused(back(day, new_id()), "NOT_FOUND")
    refused(back(day, id, role="public"), "NOT_ALLOWED")
    refused(back(day, id, version=1), "STALE_VERSION")
    refused(back(day, id, seen={f"slot_reservations/{id}": 1}), "MOVED")
    day.put(structs.replace(day.slot(slot), status="closed"))
    refused(back(day, id), "SLOT_CLOSED")
    day.put(
        structs.replace(day.slot(slot), status="open"), structs.replace(day.state.rows[Participant][zoe], erased=True)
    )
    refused(back(day, id), "ERASED")


def test_it_does_not_come_back_for_a_group_that_left() -> None:
    day = Day()
    (slot,) = day.slots(capacity=5)
    duo = day.create("group", name="Duo")
    for name in ("Zoë", "Ann"):
        day.person(name, group_id=duo)
    reserve = {"slot_id": slot.id, "group_id": duo}
    id = applied(day.do("reservation.reserve", reserve)).answer["reservation_id"]
    cancel(day, id)
    applied(back(day, id))
    cancel(day, id)
    applied(day.do("group.retire", {"group_id": duo}))
    assert refused(back(day, id), "NOT_FOUND") == {"group_id": duo}
    assert refused(back(day, id, override_reason="all the same", role="admin"), "NOT_FOUND") == {"group_id": duo}
    assert day.slot(slot).reserved_count == 0
