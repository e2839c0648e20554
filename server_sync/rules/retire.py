"""``event.retire``, ``location.retire``, ``block.retire``, ``slot.retire``: they leave every list, for good.

With people in it or in line that needs the word to cancel them, and a reason. Their claims leave too: past ones, and
those who waited. What happened to them (attendance) and what was done (the ledger) stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import structs

from server_sync.protocol.errors import HAS_PEOPLE, REASON_NEEDED, Refusal
from server_sync.protocol.records import Record
from server_sync.rules.claims import leave
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.extent import Extent, OfBlock, OfEvent, OfRoom, OfSlot, extent
from server_sync.rules.outcome import Outcome, cancel_people, people_of
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.state import (
    ALL_CLAIMS_ON_SLOT,
    EVENTS_OF_ROOM,
    ROOMS_OF_EVENT,
    SEATS_OF_LOCATION,
    SEATS_OF_SLOT,
    Keys,
    State,
    takes_places,
)
from server_sync.rules.waitlist import let_go

MOST_NAMED: Final = 100
"""How many reservations a refusal names."""


class RetireEvent(OfEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Which event, and whether its people's places end with it."""

    cancel_people: bool = False
    reason: Reason | None = None


class RetireBlock(OfBlock, frozen=True, kw_only=True, omit_defaults=True):
    """Which block, and whether its people's places end with it."""

    cancel_people: bool = False
    reason: Reason | None = None


class RetireSlot(OfSlot, frozen=True, kw_only=True, omit_defaults=True):
    """Which slot, and whether its people's places end with it."""

    cancel_people: bool = False
    reason: Reason | None = None


class RetireLocation(OfRoom, frozen=True, kw_only=True, omit_defaults=True):
    """Which room, with all that was planned in it, and whether people's places end with it."""

    cancel_people: bool = False
    reason: Reason | None = None


def retire(draft: Draft, command: Command[Any], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """All of it leaves, claims first; others in line get what that frees of an event's or block's limit."""
    args = command.args
    what = extent(draft, command)
    if isinstance(what, Refusal):
        return what
    outcome = Outcome()
    for event_id in sorted({slot.event_id for slot in what.slots}):
        outcome.freed |= let_go(draft, event_id, ask)
    refusal = _people_stay(draft, what, args.cancel_people, args.reason)
    if refusal is not None:
        return refusal
    cancel_people(draft, what.slots, now, outcome, whole_event=what.event is not None)
    for slot in what.slots:
        for claim in draft.find(ALL_CLAIMS_ON_SLOT, slot.id):
            leave(draft, claim)
        _delete(draft, *draft.find(SEATS_OF_SLOT, slot.id))
    _delete(draft, *what.slots, *what.blocks, *_places(draft, what))
    outcome.serve(draft, ask)
    return outcome.answer(blocks=len(what.blocks), slots=len(what.slots))


def _people_stay(state: State, what: Extent, cancel: bool, reason: str | None) -> Refusal | None:
    """``HAS_PEOPLE`` if people have places or wait, and nobody said what becomes of them."""
    people = people_of(state, what.slots)
    if not people:
        return None
    if not cancel:
        held = [claim.id for claim in people if takes_places(claim)]
        details = {"reservations": len(held), "waiting": len(people) - len(held)}
        return Refusal(HAS_PEOPLE, details | {"reservation_ids": sorted(claim.id for claim in people)[:MOST_NAMED]})
    return Refusal(REASON_NEEDED, {"field": "reason"}) if reason is None else None


def _places(draft: Draft, what: Extent) -> list[Record]:
    """The event or the room itself, that the one uses the other, and a room's map of seats."""
    if what.event is not None:
        return [*draft.find(ROOMS_OF_EVENT, what.event.id), what.event]
    if what.room is not None:
        return [*draft.find(EVENTS_OF_ROOM, what.room.id), *draft.find(SEATS_OF_LOCATION, what.room.id), what.room]
    return []


def _delete(draft: Draft, *rows: Record) -> None:
    """Have rows leave, as they are now."""
    for row in rows:
        current = draft.get(type(row), row.id) or row
        draft.write(structs.replace(current, deleted=True))


RULES: Final[list[Rule[Any]]] = [
    rehearsed("event.retire", RetireEvent, retire, bulk=True),
    rehearsed("location.retire", RetireLocation, retire, bulk=True),
    rehearsed("block.retire", RetireBlock, retire, bulk=True),
    rehearsed("slot.retire", RetireSlot, retire, bulk=True),
]
