"""Commands about places that have a fair chance: for who waits, into what has room, by whoever is free then.

Chance alone would hardly ever name two parties of one size, or the one slot that has room. Each maker leaves a share
to chance all the same, since what is refused must be tried too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, Group, Participant, ReservationMember, SlotReservation
from server_sync.rules.registry import RULES
from tests.anything.picture import Picture, live, overlap, waits, wants

if TYPE_CHECKING:
    from tests.anything.commands import Anything

REASON = "the mayor"


def party(kind: str) -> Callable[[Anything], dict[str, Any]]:
    """Arguments by their types, of a party that can be."""

    def make(any: Anything) -> dict[str, Any]:
        not_a_hold = kind != "reservation.hold"
        torn = _torn(any) if any.choose.chance(10) else {}
        args = torn or some_party(any, any.struct(RULES[kind].args), not_a_hold, not_a_hold)
        if kind == "reservation.override":
            args["override_reason"] = REASON
        return args

    return make


def some_party(any: Anything, args: dict[str, Any], may_wait: bool, may_be_waived: bool) -> dict[str, Any]:
    """*args* with people, a group or a name in it, and one place to be; seats only where there are some."""
    for name in ("participant_ids", "group_id", "reserved_name", "seat_ids"):
        args.pop(name, None)
    if args.get("event_id") is not None:
        args.pop("slot_id", None)
    else:
        args["slot_id"] = _slot(any, may_wait) if any.choose.chance(80) else any.one(EventSlot)
    slot = any.row(EventSlot, args.get("slot_id", ""))
    how = any.choose.number(0, 9)
    if how < 5:
        args["participant_ids"] = _people(any, slot, any.choose.number(1, 2))
    elif how < 6:
        args["group_id"] = any.one(Group)
    else:
        args["reserved_name"] = "Ada"
    args["guests"] = any.choose.pick([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
    too_many = slot is not None and not any.picture.fits_ever(slot, 1 + args["guests"])
    if (too_many or not may_wait) and any.choose.chance(80):
        args["guests"] = 0
    busy = _busy(any, slot) if slot is not None and may_be_waived and any.choose.chance(15) else []
    if busy:
        args |= {"participant_ids": busy, "waive_reason": REASON}
    if may_wait and any.choose.chance(85 if slot is not None and any.picture.lacking(slot, 1) else 40):
        args["on_full"] = "waitlist"
    if slot is not None and slot.seated and any.choose.chance(50):
        seats = sorted(seat.seat_id for seat in any.picture.seats(slot))
        args["seat_ids"] = [any.choose.pick(seats) for _ in range(any.choose.number(1, 2) if seats else 0)]
        args["guests"] = max(0, len(args["seat_ids"]) - len(args.get("participant_ids", [1])))
    return args


def _slot(any: Anything, may_wait: bool) -> Id:
    """An open slot: one of the few that have a line, or are full and may soon have one, or any; else one with room."""
    slots = [slot for slot in sorted(any.picture.all(EventSlot), key=lambda slot: slot.id) if _goes_on(any, slot)]
    lines = {claim.slot_id for claims in any.picture.lines.values() for claim in claims}
    for some in (
        [slot for slot in slots if slot.id in lines],
        [slot for slot in slots if any.picture.lacking(slot, 1)],
    ):
        if some and any.choose.chance(40):
            return any.choose.pick(some).id
    return any.choose.pick(slots).id if slots else any.one(EventSlot)


def _goes_on(any: Anything, slot: EventSlot) -> bool:
    return any.picture.openness(slot) == "open" and any.picture.to_come(slot)


def has_room(now: Picture, slot: EventSlot) -> bool:
    """Whether somebody could have a place in *slot* at once."""
    return now.openness(slot) == "open" and not now.lacking(slot, 1) and not now.lines.get(slot.event_id)


def _people(any: Anything, slot: EventSlot | None, count: int) -> list[Id]:
    """Some people, mostly such as are free then."""
    free = [] if slot is None else _free(any, slot)
    return [any.choose.pick(free) if free and any.choose.chance(80) else any.one(Participant) for _ in range(count)]


def _free(any: Anything, slot: EventSlot) -> list[Id]:
    """Who is nowhere else at the time of *slot*, nor waits for it."""
    taken = {member.participant_id for member in _committed(any) if member.slot_id == slot.id}
    there = taken.union(_busy(any, slot, most=1000))
    people = (person for person in any.picture.all(Participant) if not person.erased and person.merged_into is None)
    return sorted(person.id for person in people if person.id not in there)


def _busy(any: Anything, slot: EventSlot, most: int = 1) -> list[Id]:
    """Some who are somewhere else at the time of *slot*."""
    there = {m.participant_id for m in _committed(any) if m.live and m.slot_id != slot.id and overlap(m, slot)}
    return sorted(there) if most >= len(there) else [any.choose.pick(sorted(there)) for _ in range(most)]


def _torn(any: Anything) -> dict[str, Any]:
    """Somebody who waits, and a slot meanwhile that has room: when his turn comes he is elsewhere."""
    slots = [slot for slot in any.picture.all(EventSlot) if _goes_on(any, slot) and not any.picture.lacking(slot, 1)]
    pairs = sorted(
        (member.participant_id, slot.id)
        for member in _committed(any)
        for slot in slots
        if member.waiting and member.slot_id != slot.id and overlap(member, slot)
    )
    if not pairs:
        return {}
    person, slot_id = any.choose.pick(pairs)
    return {"participant_ids": [person], "slot_id": slot_id}


def _committed(any: Anything) -> Iterator[ReservationMember]:
    return (member for members in any.picture.commitments.values() for member in members)


# ----------------------------------------------------- claims that are there


def _claims(any: Anything, fit: Callable[[SlotReservation], bool]) -> list[SlotReservation]:
    return sorted((claim for claim in any.picture.all(SlotReservation) if fit(claim)), key=lambda claim: claim.id)


def _waited_for(any: Anything, claim: SlotReservation) -> bool:
    """Whether somebody waits for the very slot that *claim* has a place in."""
    slot = any.picture.rows[EventSlot][claim.slot_id]
    return live(claim) and [other for other in any.picture.lines.get(slot.event_id, ()) if wants(other, slot)] != []


def _keeps_somebody(any: Anything, claim: SlotReservation) -> bool:
    """Whether somebody in *claim* waits for something else, where there is room."""
    people = (member.participant_id for member in any.picture.members.get(claim.id, ()))
    waiting = [m for person in people for m in any.picture.commitments.get(person, ()) if m.waiting]
    return (
        live(claim) and [m for m in waiting if not any.picture.lacking(any.picture.rows[EventSlot][m.slot_id], 1)] != []
    )


def _in_demand(any: Anything) -> SlotReservation | None:
    """A claim that gives somebody who waits a chance if it ends."""
    for wanted, percent in ((_keeps_somebody, 60), (_waited_for, 75)):
        claims = _claims(any, partial(wanted, any)) if any.choose.chance(percent) else []
        if claims:
            return any.choose.pick(claims)
    return None


def cancel(any: Anything) -> dict[str, Any]:
    """Mostly a place that somebody waits for."""
    args = any.struct(RULES["reservation.cancel"].args)
    claim = _in_demand(any)
    return args if claim is None else args | {"reservation_id": claim.id}


def promote(any: Anything) -> dict[str, Any]:
    """Somebody who waits, where there is room or an admin makes it."""
    args = any.struct(RULES["waitlist.promote"].args)
    waiting = _claims(any, waits)
    if waiting and any.choose.chance(95):
        args["reservation_ids"] = [any.choose.pick(waiting).id for _ in range(1 if any.choose.chance(70) else 2)]
    if any.choose.chance(60):
        args["override_reason"] = REASON
    return args


def reinstate(any: Anything) -> dict[str, Any]:
    """Something that ended, and mostly could be again."""
    args = any.struct(RULES["reservation.reinstate"].args)
    ended = _claims(any, lambda claim: claim.claim in ("cancelled", "expired"))
    could = [claim for claim in ended if _could_be(any, claim, any.picture.rows[EventSlot][claim.slot_id])]
    if could and any.choose.chance(80):
        args["reservation_id"] = any.choose.pick(could).id
    elif any.choose.chance(50):
        args["override_reason"] = REASON
    return args


def move(any: Anything) -> dict[str, Any]:
    """Mostly into a slot that has room, where nobody of them is elsewhere meanwhile."""
    args = any.struct(RULES["reservation.move"].args)
    args.pop("seat_ids", None)
    claim = any.row(SlotReservation, args["reservation_id"])
    if claim is None:
        return args
    slots = [slot for slot in any.picture.all(EventSlot) if slot.id != claim.slot_id and _could_be(any, claim, slot)]
    if slots and any.choose.chance(80):
        args["slot_id"] = any.choose.pick(sorted(slots, key=lambda slot: slot.id)).id
    return args


def _could_be(any: Anything, claim: SlotReservation, slot: EventSlot) -> bool:
    """Whether *claim* could come to *slot* now, as far as that can be seen."""
    if any.picture.openness(slot) != "open" or any.picture.lacking(slot, claim.spots):
        return False
    return any.picture.free(claim, slot)


def swap(any: Anything) -> dict[str, Any]:
    """Mostly two parties of one size, in open slots at times at which both can."""
    args = any.struct(RULES["reservation.swap"].args)
    args.pop("version", None)
    reserved = _claims(any, lambda claim: claim.claim == "reserved" and _open(any, claim))
    if len(reserved) < 2 or any.choose.chance(15):
        return args
    one = any.choose.pick(reserved)
    others = [other for other in reserved if _alike(any, one, other)]
    other = any.choose.pick(others or reserved)
    return args | {"reservation_id": one.id, "with_reservation_id": other.id}


def _open(any: Anything, claim: SlotReservation) -> bool:
    return any.picture.openness(any.picture.rows[EventSlot][claim.slot_id]) == "open"


def _alike(any: Anything, one: SlotReservation, other: SlotReservation) -> bool:
    """Whether the two could change places."""
    if one.slot_id == other.slot_id or one.spots != other.spots:
        return False
    for claim, into in ((one, other), (other, one)):
        slot = any.picture.rows[EventSlot][into.slot_id]
        for member in any.picture.members.get(claim.id, ()):
            for there in any.picture.commitments.get(member.participant_id, ()):
                if there.reservation_id not in (one.id, other.id) and there.live and overlap(there, slot):
                    return False
    return True


def update(any: Anything) -> dict[str, Any]:
    """One thing of a claim: how many guests, who is in it, or what is said of it."""
    claim = _in_demand(any) or any.row(SlotReservation, any.one(SlotReservation))
    if claim is None:
        return any.struct(RULES["reservation.update"].args)
    args: dict[str, Any] = {"reservation_id": claim.id}
    people = [member.participant_id for member in any.picture.members.get(claim.id, ())]
    how = any.choose.number(0, 9)
    if how < 4:
        args["guests"] = max(0, (claim.guests or 0) + any.choose.pick([-1, 1]))
    elif how < 6 and len(people) > 1:
        args["remove_participant_ids"] = [any.choose.pick(people)]
    elif how < 8:
        slot = any.picture.rows[EventSlot][claim.slot_id]
        args["add_participant_ids"] = _people(any, slot, 1)
    else:
        args["special_requirements"] = any.choose.pick(["a ramp", "a mat", None])
    if any.choose.chance(10):
        args["override_reason"] = REASON
    return args


def walk_in(any: Anything) -> dict[str, Any]:
    """Somebody known, or somebody new."""
    args = any.struct(RULES["reservation.walk_in"].args)
    for name in ("participant_id", "display_name", "first_name", "last_name", "external_id", "seat_ids"):
        args.pop(name, None)
    args["slot_id"] = _slot(any, True) if any.choose.chance(80) else any.one(EventSlot)
    if not any.choose.chance(50):
        for name in ("school", "grade", "age", "contact"):
            args.pop(name, None)
        return args | {"participant_id": _people(any, any.row(EventSlot, args["slot_id"]), 1)[0]}
    return args | {"display_name": "Gus"}


def assign(any: Anything) -> dict[str, Any]:
    """Several parties at once."""
    args = any.struct(RULES["reservation.assign"].args)
    args.pop("spread", None)
    args["assignments"] = [
        some_party(any, {}, may_wait=True, may_be_waived=False) for _ in range(any.choose.number(1, 3))
    ]
    return args


def expire(any: Anything) -> dict[str, Any]:
    """Holds that ran out, if there are some."""
    over = _claims(any, any.picture.overdue)
    if over and any.choose.chance(85):
        return {"reservation_ids": [any.choose.pick(over).id]}
    return any.struct(RULES["hold.expire"].args)
