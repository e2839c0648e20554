"""Closing, opening again and cancelling an event, a block, a room or a slot.

What is closed takes nobody new: who is in stays, and who waits goes on waiting. What is cancelled does not take place:
its people are free again, and it never opens again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from server_sync.protocol.errors import CANCELLED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Openness
from server_sync.rules.changing import change
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.extent import Extent, OfBlock, OfEvent, OfLocation, OfSlot, extent
from server_sync.rules.outcome import Outcome, cancel_people
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.state import Keys


class CloseEvent(OfEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Which event, and why."""

    reason: Reason


class CloseBlock(OfBlock, frozen=True, kw_only=True, omit_defaults=True):
    """Which block, and why."""

    reason: Reason


class CloseLocation(OfLocation, frozen=True, kw_only=True, omit_defaults=True):
    """Which room, when, and why."""

    reason: Reason


class CloseSlot(OfSlot, frozen=True, kw_only=True, omit_defaults=True):
    """Which slot, and why."""

    reason: Reason


Answer = dict[str, Any] | Refusal


def close(draft: Draft, command: Command[Any], now: datetime | None, ask: Keys) -> Answer:
    """It takes no new reservations."""
    what = extent(draft, command)
    if isinstance(what, Refusal):
        return what
    refusal = _cancelled_before(what)
    if refusal is not None:
        return refusal
    if what.event is not None:
        change(draft, what.event, {"is_active": False})
    else:
        _set(draft, _rows(what), "open", "closed", command.args.reason)
    outcome = Outcome(freed={slot.id for slot in what.slots})
    if draft.puts:
        outcome.serve(draft, ask)
    return outcome.answer(**_about(what))


def reopen(draft: Draft, command: Command[Any], now: datetime | None, ask: Keys) -> Answer:
    """It takes reservations again; those who wait come first."""
    what = extent(draft, command)
    if isinstance(what, Refusal):
        return what
    refusal = _cancelled_before(what)
    if refusal is not None:
        return refusal
    outcome = Outcome(freed={slot.id for slot in what.slots})
    if what.event is not None:
        change(draft, what.event, {"is_active": True})
    else:
        _set(draft, _rows(what), "closed", "open", None)
    if draft.puts:
        outcome.serve(draft, ask)
    return outcome.answer(**_about(what))


def cancel(draft: Draft, command: Command[Any], now: datetime | None, ask: Keys) -> Answer:
    """It does not take place. Its people lose their places; these, and their time, go to whoever waits elsewhere."""
    what = extent(draft, command)
    if isinstance(what, Refusal):
        return what
    outcome = Outcome()
    cancel_people(draft, what.slots, now, outcome, whole_event=what.event is not None)
    fields = {"status": "cancelled", "status_reason": command.args.reason}
    for block in what.blocks:
        if block.status != "cancelled":
            change(draft, draft.get(EventTimeBlock, block.id) or block, fields)
    for slot in what.slots:
        if slot.status != "cancelled":
            change(draft, draft.get(EventSlot, slot.id) or slot, fields)
    if what.event is not None:
        event = draft.get(Event, what.event.id) or what.event
        change(draft, event, {"is_active": False})
    outcome.serve(draft, ask)
    return outcome.answer(**_about(what))


def _rows(what: Extent) -> tuple[EventTimeBlock | EventSlot, ...]:
    """What bears the state: blocks where they are whole, else slots."""
    return (*what.blocks, *what.single())


def _set(
    draft: Draft, rows: tuple[EventTimeBlock | EventSlot, ...], before: Openness, after: Openness, reason: str | None
) -> None:
    for row in rows:
        if row.status == before:
            change(draft, row, {"status": after, "status_reason": reason})


def _cancelled_before(what: Extent) -> Refusal | None:
    """``CANCELLED`` if all that it is about was cancelled; an event is where all of its blocks are."""
    rows = _rows(what)
    if not rows or any(row.status != "cancelled" for row in rows):
        return None
    return Refusal(CANCELLED, _about(what) | {"reason": rows[0].status_reason})


def _about(what: Extent) -> dict[str, Id | int]:
    """What the answer says it was about."""
    if what.event is not None:
        about: dict[str, Id | int] = {"event_id": what.event.id}
    elif what.room is not None:
        about = {"location_id": what.room.id}
    else:
        about = {"block_id": what.blocks[0].id} if what.blocks else {"slot_id": what.slots[0].id}
    return about | {"blocks": len(what.blocks), "slots": len(what.slots)}


RULES: Final[list[Rule[Any]]] = [
    rehearsed("event.close", CloseEvent, close),
    rehearsed("event.reopen", OfEvent, reopen),
    rehearsed("event.cancel", CloseEvent, cancel, bulk=True),
    rehearsed("block.close", CloseBlock, close),
    rehearsed("block.reopen", OfBlock, reopen),
    rehearsed("block.cancel", CloseBlock, cancel, bulk=True),
    rehearsed("location.close", CloseLocation, close),
    rehearsed("location.reopen", OfLocation, reopen),
    rehearsed("location.cancel", CloseLocation, cancel, bulk=True),
    rehearsed("slot.block", CloseSlot, close),
    rehearsed("slot.unblock", OfSlot, reopen),
    rehearsed("slot.cancel", CloseSlot, cancel, bulk=True),
]
