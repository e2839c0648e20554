"""Which slots somebody could be put in, decided by the rules themselves: for a move, a reservation or a walk-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules.placing import clash, open_slot, room_for
from server_sync.rules.state import MEMBERS, PEOPLE_OF_GROUP, SLOTS, State
from server_sync.rules.waiting import line_ahead


@dataclass(frozen=True, slots=True)
class Request:
    """For whom a slot is sought: a claim that moves, a known person or group, or (all None) ``spots`` walk-ins."""

    programme_id: Id
    claim_id: Id | None = None
    participant_id: Id | None = None
    group_id: Id | None = None
    spots: int = 1


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A slot, the places left in it, and why it can't be taken (None: it can)."""

    slot: EventSlot
    places: int
    refusal: Refusal | None


def open_slots(state: State, now: datetime, request: Request) -> list[OpenSlot]:
    """The slots that are not over at *now*: those that can be taken first, of the same event before others, by time.

    Once the whole programme is over, every slot counts: whoever looks then is putting the record right. Slots that are
    closed or cancelled are left out, and so is the one that a moving claim is in.
    """
    claim = state.get(SlotReservation, request.claim_id)
    people, spots = _party(state, request, claim)
    leaving = state.get(EventSlot, claim.slot_id) if claim is not None else None
    own = () if claim is None else (claim.id,)
    found: list[OpenSlot] = []
    slots = state.find(SLOTS, request.programme_id)
    for slot in [slot for slot in slots if slot.end_time > now] or slots:
        if leaving is not None and slot.id == leaving.id:
            continue
        if isinstance(open_slot(state, request.programme_id, slot.id), Refusal):
            continue
        refusal = (
            clash(state, slot, people, own) or room_for(state, slot, spots, leaving) or line_ahead(state, slot, own)
        )
        found.append(OpenSlot(slot, max(0, slot.capacity - slot.reserved_count), refusal))
    event = claim.event_id if claim is not None else None

    def order(entry: OpenSlot) -> tuple[object, ...]:
        slot = entry.slot
        elsewhere = event is not None and slot.event_id != event
        return entry.refusal is not None, elsewhere, slot.start_time < now, slot.start_time, slot.location_id, slot.id

    return sorted(found, key=order)


def _party(state: State, request: Request, claim: SlotReservation | None) -> tuple[list[Id], int]:
    """Who would be in the slot, and how many places they take."""
    if claim is not None:
        return [member.participant_id for member in state.find(MEMBERS, claim.id)], claim.spots
    if request.group_id is not None:
        people = [person.id for person in state.find(PEOPLE_OF_GROUP, request.group_id)]
        return people, max(request.spots, len(people))
    if request.participant_id is not None:
        return [request.participant_id], request.spots
    return [], request.spots
