"""The line of those who wait: its order, who is next, and that whoever frees a place gives it to them.

A claim waits for its slot, or with ``any_slot`` for whichever slot of its event has room first. The order is that in
which they came (``queued_at``, then id) and is stored nowhere else. Parties are served whole. In strict order nobody
passes a party that is too big for the room there is; in best fit whoever fits is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from server_sync.protocol.errors import BLOCK_FULL, EVENT_FULL, LINE_AHEAD, SLOT_FULL, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, SlotReservation
from server_sync.rules.claims import place, release
from server_sync.rules.draft import Draft
from server_sync.rules.placing import clash, needs_people, needs_slot, open_slot, overlap, room_for
from server_sync.rules.state import (
    COMMITMENTS,
    MEMBERS,
    OVERDUE_IN_EVENT,
    SLOTS_OF_EVENT,
    WAITING_IN_EVENT,
    Keys,
    State,
    takes_places,
)


def line(state: State, event_id: Id) -> list[SlotReservation]:
    """Everybody who waits for a slot of the event, first come first."""
    return sorted(state.find(WAITING_IN_EVENT, event_id), key=_came)


def _came(claim: SlotReservation) -> tuple[datetime, Id]:
    return claim.queued_at or claim.reserved_at, claim.id


def place_in_line(state: State, claim: SlotReservation) -> int | None:
    """1 for whoever is next; None for a claim that does not wait."""
    if claim.claim != "waitlisted":
        return None
    ahead = [other for other in line(state, claim.event_id) if claim.any_slot or waits_for(other, claim.slot_id)]
    return next(number for number, other in enumerate(ahead, 1) if other.id == claim.id)


def waits_for(claim: SlotReservation, slot_id: Id) -> bool:
    """Whether a waiting claim would take *slot_id*."""
    return bool(claim.any_slot) or claim.slot_id == slot_id


def line_ahead(state: State, slot: EventSlot, except_for: Iterable[Id] = ()) -> Refusal | None:
    """``LINE_AHEAD`` if, in strict order, others wait for what room there is in *slot*."""
    event = state.get(Event, slot.event_id)
    if event is None or not event.waitlist_enabled or event.waitlist_order != "strict":
        return None
    ahead = [c.id for c in line(state, event.id) if waits_for(c, slot.id) and c.id not in except_for]
    return Refusal(LINE_AHEAD, {"slot_id": slot.id, "waiting": len(ahead)}) if ahead else None


# ------------------------------------------------------------- what to ask for


def needs_room(keys: Keys, loaded: State, slot_id: Id, spots: int, people: Iterable[Id]) -> bool:
    """Ask for what decides whether *people* get *spots* places: the slot, their time, holds that ran out, the line.

    Returns whether there are holds that ran out: then somebody who waits may be promoted, which must be rehearsed.
    """
    slot = needs_slot(keys, loaded, slot_id)
    needs_people(keys, people)
    if slot is None:
        return False
    event = loaded.get(Event, slot.event_id)
    full = room_for(loaded, slot, spots) is not None
    if full:
        keys.find.add((OVERDUE_IN_EVENT, slot.event_id))
    overdue = _overdue(loaded, slot, full, _needs_held(keys, loaded, slot, people), loaded.now)
    for claim in overdue:
        needs_release(keys, loaded, claim)
    if not full and event is not None and event.waitlist_enabled and event.waitlist_order == "strict":
        keys.find.add((WAITING_IN_EVENT, event.id))
    return bool(overdue)


def _needs_held(keys: Keys, loaded: State, slot: EventSlot, people: Iterable[Id]) -> Iterator[SlotReservation]:
    """The holds of *people* at the time of *slot*: they may have run out."""
    for person in people:
        for member in loaded.find(COMMITMENTS, person):
            if member.live and overlap(member.start_time, member.end_time, slot):
                keys.read.add((SlotReservation, member.reservation_id))
                claim = loaded.get(SlotReservation, member.reservation_id)
                if claim is not None and claim.claim == "held":
                    yield claim


def needs_release(keys: Keys, loaded: State, claim: SlotReservation) -> None:
    """Ask for a claim that ends or leaves its slot, and for the line behind it.

    Whom that promotes follows only from the command's own steps: its ``needs`` takes them, over what is loaded so far,
    with ``ask`` (see ``serve``).
    """
    keys.lock.add((SlotReservation, claim.id))
    keys.find |= {(MEMBERS, claim.id), (WAITING_IN_EVENT, claim.event_id)}
    needs_slot(keys, loaded, claim.slot_id)
    needs_people(keys, (member.participant_id for member in loaded.find(MEMBERS, claim.id)))


# ---------------------------------------------------------------------- steps


def expire_overdue(
    draft: Draft, slot: EventSlot, spots: int, people: Iterable[Id], now: datetime | None, ask: Keys | None = None
) -> None:
    """Free what is held beyond its time where it stands in the way of *people*, and serve the line before them."""
    full = room_for(draft, slot, spots) is not None
    overdue = _overdue(draft, slot, full, _needs_held(Keys(), draft, slot, people), now)
    for claim in overdue:
        release(draft, claim, "expired")
    if overdue:
        serve(draft, freed_slots(*overdue), ask)


def _overdue(
    state: State, slot: EventSlot, full: bool, held: Iterable[SlotReservation], now: datetime | None
) -> list[SlotReservation]:
    """The claims that stand in the way though their time is over: on a slot that is full, and of the people."""
    claims = {claim.id: claim for claim in (*(state.find(OVERDUE_IN_EVENT, slot.event_id) if full else ()), *held)}
    return [claim for claim in claims.values() if now is None or ran_out(claim, now)]


def ran_out(claim: SlotReservation, now: datetime) -> bool:
    """Whether *claim* is a hold beyond its time."""
    return claim.claim == "held" and claim.expires_at is not None and claim.expires_at <= now


def serve(draft: Draft, freed: Iterable[Id], ask: Keys | None = None) -> list[Id]:
    """Promote, in order, whoever fits into the slots *freed* (ids) and what they freed of blocks and events.

    Returns the promoted claims. With *ask* it is a rehearsal over what is known so far, for a command's ``needs``: it
    asks for all that the promotions would need.
    """
    slots = {slot.id: slot for id in freed if (slot := draft.get(EventSlot, id)) is not None}
    promoted: list[Id] = []
    for event_id in sorted({slot.event_id for slot in slots.values()}):
        mine = {slot.id for slot in slots.values() if slot.event_id == event_id}
        promoted += _Serving(draft, event_id, mine, ask).run()
    return promoted


class _Serving:
    """One walk along the line of one event."""

    def __init__(self, draft: Draft, event_id: Id, freed: set[Id], ask: Keys | None) -> None:
        self.draft = draft
        self.event = draft.get(Event, event_id)
        self.event_id = event_id
        self.freed = freed
        self.ask = ask
        self.exhausted: set[Id] = set()  # slots, blocks and events that nobody further back may take from

    def run(self) -> list[Id]:
        """The claims promoted."""
        promoted: list[Id] = []
        for claim in line(self.draft, self.event_id):
            if self.event_id in self.exhausted:
                break
            if self._promote(claim):
                promoted.append(claim.id)
        return promoted

    def _promote(self, claim: SlotReservation) -> bool:
        for slot_id in self._candidates(claim):
            if slot_id in self.exhausted:
                continue
            if self.ask is not None:
                needs_slot(self.ask, self.draft, slot_id)
            slot = open_slot(self.draft, claim.programme_id, slot_id)
            if isinstance(slot, Refusal) or slot.time_block_id in self.exhausted:
                continue
            full = room_for(self.draft, slot, claim.spots)
            if full is not None:
                self._note(full, slot)
                continue
            if self.ask is not None:
                self.ask.lock.add((SlotReservation, claim.id))
                self.ask.find.add((MEMBERS, claim.id))
            people = [member.participant_id for member in self.draft.find(MEMBERS, claim.id)]
            if self.ask is not None:
                needs_people(self.ask, people)
            if clash(self.draft, slot, people, (claim.id,)) is not None:
                continue  # somewhere else by now: keeps the place in line, and others pass
            if place(self.draft, claim, slot, "reserved") is not None:
                continue
            return True
        return False

    def _candidates(self, claim: SlotReservation) -> Iterable[Id]:
        """The slots that may have become free for *claim*, earliest first."""
        limited = self.event is not None and self.event.capacity is not None
        if claim.any_slot and limited:
            if self.ask is not None:
                self.ask.find.add((SLOTS_OF_EVENT, self.event_id))
            slots = self.draft.find(SLOTS_OF_EVENT, self.event_id)
        elif claim.any_slot:
            slots = [slot for id in self.freed if (slot := self.draft.get(EventSlot, id)) is not None]
        elif claim.slot_id in self.freed or limited or self._shares_a_block(claim):
            return (claim.slot_id,)
        else:
            return ()
        return (slot.id for slot in sorted(slots, key=lambda slot: (slot.start_time, slot.id)))

    def _shares_a_block(self, claim: SlotReservation) -> bool:
        """Whether a place that was freed counted against the block for which *claim* waits."""
        for id in self.freed:
            slot = self.draft.get(EventSlot, id)
            if slot is not None and slot.time_block_id == claim.time_block_id:
                block = self.draft.get(EventTimeBlock, claim.time_block_id)
                return block is not None and block.max_capacity is not None
        return False

    def _note(self, full: Refusal, slot: EventSlot) -> None:
        """Remember what has no room: in strict order for anybody further back, else once nothing at all is left."""
        strict = self.event is None or self.event.waitlist_order == "strict"
        if strict or full.details["reserved"] >= full.details["capacity"]:
            limit = {SLOT_FULL: slot.id, BLOCK_FULL: slot.time_block_id, EVENT_FULL: slot.event_id}[full.code]
            self.exhausted.add(limit)


def freed_slots(*claims: SlotReservation) -> set[Id]:
    """The slots in which somebody who waits may have a place once *claims* end or move."""
    return {claim.slot_id for claim in claims if takes_places(claim) or claim.claim == "waitlisted"}


def promoted_answer(promoted: list[Id]) -> dict[str, Any]:
    """What an answer says of them; nothing where there are none."""
    return {"promoted": promoted} if promoted else {}
