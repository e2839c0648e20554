"""What happens to people when what they came for is closed, cancelled, postponed or removed, in one shape.

The answer of every such command, and so of its preview, is the same: who lost a place, who was moved, who got one, and
who or what clashes. Names are left out: answers stay in the ledger, and people may be erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, EventTimeBlock, SlotReservation
from server_sync.rules.claims import release
from server_sync.rules.draft import Draft
from server_sync.rules.state import (
    CLAIMS_ON_SLOT,
    COMMITMENTS,
    MEMBERS,
    SLOTS_OF_EVENT,
    WAITING_FOR_SLOT,
    Keys,
    State,
)
from server_sync.rules.waitlist import serve


@dataclass(slots=True)
class Outcome:
    """What happened so far. ``freed`` are slots in which somebody who waits may have a place now."""

    cancelled: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)
    promoted: list[Id] = field(default_factory=list)
    clashes: list[dict[str, Any]] = field(default_factory=list)
    freed: set[Id] = field(default_factory=set)
    people: set[Id] = field(default_factory=set)
    spots: int = 0

    def serve(self, draft: Draft, ask: Keys) -> None:
        """Give what was freed to whoever waits for it."""
        self.promoted += serve(draft, self.freed, ask)

    def entry(self, draft: Draft, claim: SlotReservation) -> dict[str, Any]:
        """A claim as the answer names it; counted."""
        people = [member.participant_id for member in draft.find(MEMBERS, claim.id)]
        self.people.update(people)
        self.spots += claim.spots
        entry = {"reservation_id": claim.id, "slot_id": claim.slot_id, "claim": claim.claim, "spots": claim.spots}
        return entry | {"participant_ids": people}

    def answer(self, **more: Any) -> dict[str, Any]:
        """The answer of the command."""
        counts = {
            "cancelled": len(self.cancelled),
            "moved": len(self.moved),
            "promoted": len(self.promoted),
            "clashes": len(self.clashes),
            "people": len(self.people),
            "spots": self.spots,
        }
        return {
            **more,
            "cancelled": self.cancelled,
            "moved": self.moved,
            "promoted": self.promoted,
            "clashes": self.clashes,
            "counts": counts,
        }


def people_of(state: State, slots: Iterable[EventSlot]) -> list[SlotReservation]:
    """The claims in and the claims waiting for *slots*."""
    found: list[SlotReservation] = []
    for slot in slots:
        found += state.find(CLAIMS_ON_SLOT, slot.id)
        found += state.find(WAITING_FOR_SLOT, slot.id)
    return found


def cancel_people(
    draft: Draft, slots: Iterable[EventSlot], now: datetime | None, outcome: Outcome, whole_event: bool = False
) -> list[SlotReservation]:
    """End every claim in or waiting for *slots*, save that who waits for any slot of the event may wait for another.

    Returns the claims that ended, as they are now.
    """
    slots = list(slots)
    gone = {slot.id for slot in slots}
    outcome.freed |= gone  # also where nobody was: who can't come there any more is in nobody's way elsewhere
    ended = []
    for claim in people_of(draft, slots):
        if claim.any_slot and not whole_event and _waits_elsewhere(draft, claim, gone):
            continue
        outcome.cancelled.append(outcome.entry(draft, claim))
        ended.append(release(draft, claim, "cancelled", cancelled_at=now))
    return ended


def _waits_elsewhere(draft: Draft, claim: SlotReservation, gone: set[Id]) -> bool:
    """Have a claim that waits for any slot stand at one that stays, its place in line kept."""
    members = draft.find(MEMBERS, claim.id)
    taken = {other.slot_id for member in members for other in draft.find(COMMITMENTS, member.participant_id)}
    for slot in sorted(draft.find(SLOTS_OF_EVENT, claim.event_id), key=lambda slot: (slot.start_time, slot.id)):
        block = draft.get(EventTimeBlock, slot.time_block_id)
        cancelled = slot.status == "cancelled" or block is None or block.status == "cancelled"
        if slot.id in gone or slot.id in taken or cancelled:
            continue
        place = {"slot_id": slot.id, "location_id": slot.location_id, "time_block_id": slot.time_block_id}
        versions = {"version": claim.version + 1, "placement_version": claim.placement_version + 1}
        draft.write(structs.replace(claim, **place, **versions))
        times = {"slot_id": slot.id, "start_time": slot.start_time, "end_time": slot.end_time}
        draft.write(*(structs.replace(member, **times) for member in members))
        return True
    return False
