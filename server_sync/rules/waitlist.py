"""Whoever frees a place gives it to those who wait: what such a step asks for, and the walk along the line.

Who is next, and who could come, is told in waiting.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from server_sync.protocol.errors import BLOCK_FULL, EVENT_FULL, SLOT_FULL, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, SlotReservation
from server_sync.rules.claims import place, release
from server_sync.rules.draft import Draft
from server_sync.rules.freed import Freed, add, changed_times, freed_slots, people_of, waiting_elsewhere
from server_sync.rules.overdue import held_by, holders, overdue_in, ran_out
from server_sync.rules.placing import fits_ever, needs_people, needs_slot, open_slot, over, room_for
from server_sync.rules.state import (
    COMMITMENTS,
    MEMBERS,
    OVERDUE_IN_EVENT,
    SLOTS_OF_BLOCK,
    SLOTS_OF_EVENT,
    WAITING_IN_EVENT,
    Keys,
    State,
)
from server_sync.rules.waiting import Company, keeps_line, line, line_ahead

READY: Final = 8
"""How many more than are promoted a command keeps ready, while others may be ahead of it."""


# ------------------------------------------------------------- what to ask for


def needs_room(
    keys: Keys,
    loaded: State,
    slot_id: Id,
    spots: int,
    people: Iterable[Id],
    seat_ids: Iterable[Id] = (),
    joins: bool = False,
) -> bool:
    """Ask for what decides whether *people* get *spots* places: the slot, their time, holds that ran out, the line.

    *seat_ids* are the seats that they want, if they name any: who holds one beyond the time loses it. Returns whether
    it must be rehearsed, since there are holds that ran out, or one of *people* stands in a line and steps out of
    others' way, so that somebody may be promoted; or since there is no place and whoever finds none *joins* the line.
    """
    slot, people = needs_slot(keys, loaded, slot_id), list(people)
    needs_people(keys, people)
    if slot is None:
        return False
    overdue = _in_the_way(loaded, slot, spots, people, seat_ids, loaded.now, keys)
    for claim in overdue:
        needs_release(keys, loaded, claim)
    full = room_for(loaded, slot, spots) or line_ahead(loaded, slot, (), keys)
    if overdue or (joins and full is not None and keeps_line(loaded, slot)):
        return True
    return any(member.waiting for id in people for member in loaded.guess(COMMITMENTS, id))


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
    draft: Draft,
    slot: EventSlot,
    spots: int,
    people: Iterable[Id],
    now: datetime | None,
    ask: Keys | None = None,
    seat_ids: Iterable[Id] = (),
) -> None:
    """Free what is held beyond its time where it stands in the way of *people*, and serve the line before them."""
    overdue = _in_the_way(draft, slot, spots, people, seat_ids, now, Keys())
    _let_go(draft, overdue, ask)
    if overdue:
        serve(draft, freed_slots(*overdue), ask)


def _in_the_way(
    state: State,
    slot: EventSlot,
    spots: int,
    people: Iterable[Id],
    seat_ids: Iterable[Id],
    now: datetime | None,
    keys: Keys,
) -> list[SlotReservation]:
    """The holds that stand in the way though their time is over: of the people, of their seats, and of the places.

    Where there may be a line, no place must be lacking for that: those who wait come before whoever comes now.
    """
    found = [*held_by(keys, state, slot, people), *holders(keys, state, slot, seat_ids, now)]
    if keeps_line(state, slot) or room_for(state, slot, spots) is not None:
        keys.find.add((OVERDUE_IN_EVENT, slot.event_id))
        found += overdue_in(state, slot.event_id, now)
    return list({claim.id: claim for claim in found if ran_out(claim, now)}.values())


def let_go(draft: Draft, event_id: Id, ask: Keys | None) -> set[Id]:
    """End what ran out in an event, before somebody looks at what is taken there; returns what ``serve`` is told."""
    if ask is not None:
        ask.find.add((OVERDUE_IN_EVENT, event_id))
    overdue = overdue_in(draft, event_id, draft.now)
    _let_go(draft, overdue, ask)
    return freed_slots(*overdue)


def _let_go(draft: Draft, overdue: Iterable[SlotReservation], ask: Keys | None) -> None:
    for claim in overdue:
        if ask is not None:
            needs_release(ask, draft, claim)
        release(draft, claim, "expired")


def serve(draft: Draft, freed: Iterable[Id], ask: Keys | None = None) -> list[Id]:
    """Promote, in order, whoever fits into what came free: *freed* are ids of slots, or of events (all their slots).

    What was freed counts against blocks and events as well: who waits for another slot of a limited one is served too.
    So is everybody in line with, or behind, a person whose time the draft has changed: who is free now can come, and
    who is elsewhere now is in nobody's way. Holds that ran out in such an event, or that keep somebody who waits, end
    on the way, and free something in turn.
    Returns the promoted claims. With *ask* it is a rehearsal over what is known so far, for a command's ``needs``: it
    asks for all that the promotions would need.
    """
    promoted: list[Id] = []
    todo: Freed = defaultdict(set)
    for id in freed:
        slot = None if draft.known(Event, id) is not None else draft.get(EventSlot, id)
        todo[id if slot is None else slot.event_id].add(id)
    add(todo, waiting_elsewhere(draft, changed_times(draft), ask))
    while todo:
        event_id = min(todo)
        serving = _Serving(draft, event_id, todo.pop(event_id), ask)
        promoted += serving.run()
        add(todo, serving.freed_elsewhere)
    return promoted


class _Serving:
    """One walk along the line of one event. ``freed_elsewhere`` is what came free on the way for others' lines."""

    def __init__(self, draft: Draft, event_id: Id, freed: set[Id], ask: Keys | None) -> None:
        self.draft = draft
        self.event = draft.get(Event, event_id)
        self.event_id = event_id
        self.freed = freed - {event_id}
        self.freed_elsewhere: Freed = {}
        self.ask = ask
        self.everywhere = event_id in freed or (self.event is not None and self.event.capacity is not None)
        self.exhausted: set[Id] = set()  # slots, blocks and events that nobody further back may take from
        if ask is not None:
            ask.find.add((WAITING_IN_EVENT, event_id))
        self.line = line(draft, event_id)
        if ask is not None and (self.line or (self.event is not None and self.event.waitlist_enabled)):
            ask.lock.add((Event, event_id))  # two who serve one line must see what the other frees, and who joins it
            ask.find.add((OVERDUE_IN_EVENT, event_id))
        self.company = Company(draft, self.line, ask)

    def run(self) -> list[Id]:
        """The claims promoted."""
        promoted: list[Id] = []
        if self.line:
            self._free(overdue_in(self.draft, self.event_id, self.draft.now))
        while not self._walk(promoted):
            self.exhausted.clear()
        if promoted and self.ask is not None and self.draft.tentative:
            self._keep_ready(self.ask)
        return promoted

    def _walk(self, promoted: list[Id]) -> bool:
        """Promote from the first on, until nobody is left; False if more came free than was known at the start."""
        for number, claim in enumerate(self.line):
            if self.event_id in self.exhausted:
                break
            known = len(self.freed)
            if claim.id not in promoted and self._promote(number, claim):
                promoted.append(claim.id)
            if len(self.freed) > known:
                return False
        return True

    def _free(self, overdue: Iterable[SlotReservation]) -> None:
        """End holds that ran out: here that is room for those in line, elsewhere for others'."""
        for claim in overdue:
            changed = people_of(self.draft, claim)
            _let_go(self.draft, [claim], self.ask)
            freed: Freed = waiting_elsewhere(self.draft, changed, self.ask)
            if claim.event_id == self.event_id:
                self.freed |= freed_slots(claim)
            else:
                add(freed, {claim.event_id: freed_slots(claim)})
            add(self.freed_elsewhere, freed)
            for name in ("_blocks", "_any_slot"):
                self.__dict__.pop(name, None)

    def _keep_ready(self, ask: Keys) -> None:
        """Ask for who would be next: by the time that all is locked, others may have had the places before them."""
        waiting = [claim for claim in line(self.draft, self.event_id) if self._candidates(claim)]
        for claim in waiting[:READY]:
            ask.lock.add((SlotReservation, claim.id))
            ask.find.add((MEMBERS, claim.id))
            needs_people(ask, (member.participant_id for member in self.draft.find(MEMBERS, claim.id)))

    def _promote(self, number: int, claim: SlotReservation) -> bool:
        """Put the claim into the first slot that takes it; what it found too small is closed to those behind it."""
        too_small: set[Id] = set()
        for slot_id in self._candidates(claim):
            if slot_id in self.exhausted:
                continue
            slot = self._open(claim, slot_id)
            if slot is None or slot.time_block_id in self.exhausted:
                continue
            full = room_for(self.draft, slot, claim.spots)
            if full is not None:
                closed = self._too_small(full, slot)
                if closed and self.company.coming(number, slot) is not None:  # who is elsewhere is in nobody's way
                    too_small |= closed
            elif self._enter(number, claim, slot):
                if claim.any_slot:  # it stood in the way everywhere
                    self.everywhere = True
                    self.__dict__.pop("_any_slot", None)
                return True
        self.exhausted |= too_small
        return False

    def _open(self, claim: SlotReservation, slot_id: Id) -> EventSlot | None:
        if self.ask is not None:
            look_at_slot(self.ask, self.draft, slot_id)
        slot = open_slot(self.draft, claim.programme_id, slot_id)
        if isinstance(slot, Refusal) or over(self.draft, slot):
            self.exhausted.add(slot_id)
            return None
        return slot

    def _enter(self, number: int, claim: SlotReservation, slot: EventSlot) -> bool:
        coming = self.company.coming(number, slot)
        if coming is None:
            return False  # somewhere else by now: keeps the place in line, and others pass
        self._free(coming.overdue)
        slot = self.draft.get(EventSlot, slot.id) or slot
        if self.ask is not None:
            self.ask.lock.add((SlotReservation, claim.id))
            self.ask.find.add((MEMBERS, claim.id))
            needs_people(self.ask, (member.participant_id for member in self.company.of(number)))
            needs_slot(self.ask, self.draft, slot.id)
        trial = Draft(self.draft)
        if place(trial, claim, slot, "reserved", None, coming.double) is not None:
            return False
        self.draft.write(*trial.puts)
        add(self.freed_elsewhere, waiting_elsewhere(self.draft, people_of(self.draft, claim), self.ask))
        return True

    def _candidates(self, claim: SlotReservation) -> Sequence[Id]:
        """The slots that may have become free for *claim*, earliest first."""
        if claim.any_slot:
            return self._any_slot
        shares = self.everywhere or claim.slot_id in self.freed or claim.time_block_id in self._blocks
        return (claim.slot_id,) if shares else ()

    @cached_property
    def _blocks(self) -> set[Id]:
        """The limited blocks in which something came free."""
        blocks = {slot.time_block_id for id in self.freed if (slot := self.draft.get(EventSlot, id)) is not None}
        if self.ask is not None:
            self.ask.read |= {(EventTimeBlock, id) for id in blocks}
        found = (self.draft.get(EventTimeBlock, id) for id in blocks)
        return {block.id for block in found if block is not None and block.max_capacity is not None}

    @cached_property
    def _any_slot(self) -> Sequence[Id]:
        """Where whoever takes any slot may have a place now."""
        slots = {id: slot for id in self.freed if (slot := self.draft.get(EventSlot, id)) is not None}
        more = [(SLOTS_OF_EVENT, self.event_id)] if self.everywhere else [(SLOTS_OF_BLOCK, id) for id in self._blocks]
        for index, key in more:
            if self.ask is not None:
                self.ask.find.add((index, key))
            slots |= {slot.id: slot for slot in self.draft.find(index, key)}
        return [slot.id for slot in sorted(slots.values(), key=lambda slot: (slot.start_time, slot.id))]

    def _too_small(self, full: Refusal, slot: EventSlot) -> set[Id]:
        """What has no room: in strict order for anybody further back, else for nobody once nothing at all is left."""
        limit = {SLOT_FULL: slot.id, BLOCK_FULL: slot.time_block_id, EVENT_FULL: slot.event_id}[full.code]
        if full.details["reserved"] >= full.details["capacity"]:
            self.exhausted.add(limit)
        strict = self.event is None or self.event.waitlist_order == "strict"
        return {limit} if strict and fits_ever(self.draft, slot, full.details["spots"]) else set()


def look_at_slot(ask: Keys, loaded: State, slot_id: Id) -> None:
    """Ask for a slot and what limits it, to see whether it has room; who enters it locks it."""
    ask.read.add((EventSlot, slot_id))
    slot = loaded.get(EventSlot, slot_id)
    if slot is not None:
        ask.read |= {(EventTimeBlock, slot.time_block_id), (Event, slot.event_id)}


def promoted_answer(promoted: list[Id]) -> dict[str, Any]:
    """What an answer says of them; nothing where there are none."""
    return {"promoted": promoted} if promoted else {}
