"""A room's day as it goes: who is on stage, next and on deck, who is missing, and when each is likely to begin.

How the times come about, for every screen alike:

- Slots keep their order and their length. What remains of the day runs as a chain: nobody begins before whoever is in
  front of him is done.
- Nobody begins before his own slot's start, unless the room is said to be ahead: then by that many minutes earlier.
- Who is on stage takes as long as his slot is, from when he went on; once that time is over, he may end any moment.
- The delay that was said is that of whoever is next: he begins no earlier than his start and the delay. Further back it
  lasts as long as nothing catches up: a break, or somebody who was skipped, gives the time back.
- Where nobody is on stage nothing begins in the past: the next one begins now at the earliest.
- Skipped people and no-shows take no time, as do those who are done. Several in one slot begin together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Attendance, EventSlot, RoomDay, SlotReservation
from server_sync.rules.attendance import party, word

MISSING_BEFORE: Final = timedelta(minutes=10)
"""Whoever has not come this long before his time is missing."""

Turn = Literal["on_stage", "next", "on_deck", "later", "skipped", "done", "no_show"]
_SOON: Final[tuple[Turn, ...]] = ("next", "on_deck")


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reservation of the day. ``predicted_start`` is left out for whom nobody waits for: done, skipped, no-show."""

    reservation_id: Id
    slot_id: Id
    event_id: Id
    start_time: datetime
    end_time: datetime
    turn: Turn
    here: bool  # somebody of it was checked in
    called: bool
    missing: bool
    predicted_start: datetime | None = None
    predicted_end: datetime | None = None


class RoomView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The day in order, and who is where in it (ids of reservations). All of one slot are ``next`` or ``on_deck``."""

    delay_minutes: int
    entries: list[Entry]
    next: list[Id]
    on_deck: list[Id]
    called: list[Id]
    skipped: list[Id]
    missing: list[Id]
    on_stage: Id | None = None
    on_stage_since: datetime | None = None


def room_view(
    slots: Iterable[EventSlot],
    claims: Iterable[SlotReservation],
    members: Mapping[Id, Sequence[Id]],
    facts: Mapping[Id, Sequence[Attendance]],
    day: RoomDay | None,
    now: datetime,
) -> RoomView:
    """What *day* looks like at *now*. *slots* and *claims* are those of the room that day.

    *members* (who is in it now) and *facts* are by claim.
    """
    going = _Day(list(slots), list(claims), members, facts, day, now)
    entries = [going.entry(claim) for claim in going.claims]
    called = day.called if day is not None and day.called else []
    return RoomView(
        delay_minutes=day.delay_minutes if day is not None else 0,
        entries=entries,
        next=[entry.reservation_id for entry in entries if entry.turn == "next"],
        on_deck=[entry.reservation_id for entry in entries if entry.turn == "on_deck"],
        called=[entry.reservation_id for entry in entries if entry.reservation_id in called],
        skipped=[entry.reservation_id for entry in entries if entry.turn == "skipped"],
        missing=[entry.reservation_id for entry in entries if entry.missing],
        on_stage=going.on_stage,
        on_stage_since=going.since if going.on_stage is not None else None,
    )


class _Day:
    """One room's day at one moment."""

    def __init__(
        self,
        slots: list[EventSlot],
        claims: list[SlotReservation],
        members: Mapping[Id, Sequence[Id]],
        facts: Mapping[Id, Sequence[Attendance]],
        day: RoomDay | None,
        now: datetime,
    ) -> None:
        self.now = now
        self.members = members
        self.facts = facts
        self.slots = {slot.id: slot for slot in slots if slot.status != "cancelled" and not slot.deleted}
        mine = [claim for claim in claims if claim.claim == "reserved" and claim.slot_id in self.slots]
        self.claims = sorted((claim for claim in mine if not claim.deleted), key=self._order)
        self.words = {
            claim.id: word(claim, members.get(claim.id, ()), facts.get(claim.id, ())) for claim in self.claims
        }
        self.ahead = timedelta(minutes=min(0, day.delay_minutes)) if day is not None else timedelta()
        self.late = timedelta(minutes=day.delay_minutes) if day is not None else timedelta()
        self.called = set(day.called or ()) if day is not None else set()
        self.skipped = set(day.skipped or ()) if day is not None else set()
        self.on_stage, self.since = self._stage(day)
        self.turns = self._turns()
        self.times = self._times()

    def _order(self, claim: SlotReservation) -> tuple[datetime, int, datetime, Id]:
        slot = self.slots[claim.slot_id]
        return slot.start_time, slot.slot_number, claim.reserved_at, claim.id

    def _stage(self, day: RoomDay | None) -> tuple[Id | None, datetime]:
        """Who is on stage, since when: not who performed, or left the room's day, since he went on."""
        id = day.on_stage_id if day is not None else None
        if day is None or id is None or self.words.get(id) in (None, "performed"):
            return None, self.now
        return id, day.on_stage_since or self.now

    def _turns(self) -> dict[Id, Turn]:
        turns: dict[Id, Turn] = {}
        ahead: list[Id] = []  # the slots of whoever is to come, in order
        for claim in self.claims:
            turns[claim.id] = self._settled(claim.id) or "later"
            if turns[claim.id] == "later" and claim.slot_id not in ahead:
                ahead.append(claim.slot_id)
        names: dict[Id, Turn] = dict(zip(ahead, _SOON, strict=False))
        for claim in self.claims:
            if turns[claim.id] == "later":
                turns[claim.id] = names.get(claim.slot_id, "later")
        return turns

    def _settled(self, id: Id) -> Turn | None:
        if id == self.on_stage:
            return "on_stage"
        if self.words[id] == "performed":
            return "done"
        if id in self.skipped:
            return "skipped"
        return "no_show" if self.words[id] == "no_show" else None

    def _times(self) -> dict[Id, tuple[datetime, datetime]]:
        """By slot, when it is likely to begin and end: only of slots with somebody on stage or to come."""
        free_at, times = self.now, dict[Id, tuple[datetime, datetime]]()
        stage = next((claim.slot_id for claim in self.claims if claim.id == self.on_stage), None)
        if stage is not None:
            free_at = max(self.now, self.since + self._length(stage))
            times[stage] = self.since, free_at
        first = True
        for claim in self.claims:
            if claim.slot_id in times or self.turns[claim.id] not in ("next", "on_deck", "later"):
                continue
            own = self.slots[claim.slot_id].start_time
            start = max(own + (self.late if first else self.ahead), free_at)
            free_at = start + self._length(claim.slot_id)
            times[claim.slot_id] = start, free_at
            first = False
        return times

    def _length(self, slot_id: Id) -> timedelta:
        slot = self.slots[slot_id]
        return slot.end_time - slot.start_time

    def entry(self, claim: SlotReservation) -> Entry:
        slot, turn = self.slots[claim.slot_id], self.turns[claim.id]
        start, end = self.times[slot.id] if turn not in ("skipped", "done", "no_show") else (None, None)
        there = party(self.members.get(claim.id, ()), self.facts.get(claim.id, ()))
        here = any(member.word in ("checked_in", "performed") for member in there.values())
        waited_for = start is not None and turn != "on_stage" and not here
        return Entry(
            reservation_id=claim.id,
            slot_id=slot.id,
            event_id=claim.event_id,
            start_time=slot.start_time,
            end_time=slot.end_time,
            turn=turn,
            here=here,
            called=claim.id in self.called,
            missing=waited_for and (claim.id in self.called or start - MISSING_BEFORE <= self.now),  # type: ignore[operator]
            predicted_start=start,
            predicted_end=end,
        )
