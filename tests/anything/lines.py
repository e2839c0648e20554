"""That lines are served: nobody waits who could have a place now, and nobody is passed who could have come first.

The order is told from ``queued_at`` and the id alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, SlotReservation
from tests.anything.picture import Picture, came, waits, wants


def starving(now: Picture) -> Iterator[str]:
    """Who waits though there is room for them, and nobody ahead of them needs it.

    Where a hold ran out that nobody ended yet, everybody's turn is still to come.
    """
    unsettled = {claim.event_id for claim in now.all(SlotReservation) if now.overdue(claim)}
    for event_id, line in now.lines.items():
        if event_id in unsettled:
            continue
        event = now.get(Event, event_id)
        strict = event is None or event.waitlist_order == "strict"
        blocked: set[Id] = set()  # by parties ahead that are too big for what is free
        for claim in line:
            slots = [slot for slot in now.slots_of[event_id] if wants(claim, slot) and _serves(now, slot)]
            for slot in slots:
                here = {slot.id, slot.time_block_id, slot.event_id}
                room = not now.lacking(slot, claim.spots) and not here & blocked
                if room and now.free(claim, slot) and (not slot.seated or now.seats_free(slot) >= claim.spots):
                    yield f"claim {claim.id} waits though slot {slot.id} has room"
            if strict:
                for slot in slots:
                    if now.fits_ever(slot, claim.spots) and now.soon_free(claim, slot):  # else in nobody's way
                        blocked |= now.lacking(slot, claim.spots)


def _serves(now: Picture, slot: EventSlot) -> bool:
    return now.openness(slot) == "open" and now.to_come(slot)


def passed(
    before: Picture, after: Picture, promoted: dict[Id, SlotReservation], comers: dict[Id, int], calm: bool
) -> Iterator[str]:
    """Who was passed by the *promoted* (as they waited, by id), or by *comers* who did not wait (their places, by id).

    *calm* is false where holds ran out on the way: who was free first can't be told afterwards.
    """
    for id in [*promoted, *comers]:
        slot, event = _where(after, id)
        if not event.waitlist_enabled and id in comers:
            continue
        for other in after.lines.get(event.id, ()):
            if id in promoted and came(other) > came(promoted[id]):
                continue
            if not (wants(other, slot) and waits(before.get(SlotReservation, other.id)) and after.to_come(slot)):
                continue
            within = _slot_before(before, id)
            if id in comers and other.any_slot and within is not None and within.event_id == event.id:
                continue  # only changes places within the event
            if not (before.free(other, slot) and after.free(other, slot) and after.fits_ever(slot, other.spots)):
                continue
            if event.waitlist_order == "strict":
                yield f"{id} passed {other.id} in the line for slot {slot.id}"
            elif id in promoted and calm and _had_room(after, promoted, other, slot):
                yield f"{id} was served before {other.id}, for whom slot {slot.id} had room"


def _where(now: Picture, id: Id) -> tuple[EventSlot, Event]:
    claim = now.rows[SlotReservation][id]
    return now.rows[EventSlot][claim.slot_id], now.rows[Event][claim.event_id]


def _slot_before(before: Picture, id: Id) -> EventSlot | None:
    claim = before.get(SlotReservation, id)
    return before.get(EventSlot, claim.slot_id) if claim is not None and claim.claim == "reserved" else None


def _had_room(after: Picture, promoted: dict[Id, SlotReservation], other: SlotReservation, slot: EventSlot) -> bool:
    """Whether *other* would have had room in *slot*, had those behind it not been served first."""
    given: Counter[Id] = Counter()
    for id, waiting in promoted.items():
        if came(waiting) > came(other):
            now = after.rows[SlotReservation][id]
            for limit in (now.slot_id, now.time_block_id, now.event_id):
                given[limit] += now.spots
    if slot.seated and after.seats_free(slot) + given[slot.id] < other.spots:
        return False
    return all(taken - given[id] + other.spots <= capacity for id, (taken, capacity) in after.limits(slot).items())
