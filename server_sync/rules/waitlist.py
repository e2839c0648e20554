"""The line of those who wait: its order, who is next, and that whoever frees a place gives it to them.

A claim waits for its slot, or with ``any_slot`` for whichever slot of its event has room first. The order is that in
which they came (``queued_at``, then id) and is stored nowhere else. Parties are served whole. In strict order nobody
passes a party that is too big for the room there is; in best fit whoever fits is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from server_sync.protocol.errors import BLOCK_FULL, EVENT_FULL, LINE_AHEAD, SLOT_FULL, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, ReservationMember, SlotReservation
from server_sync.rules.claims import place, release
from server_sync.rules.draft import Draft
from server_sync.rules.placing import clash, fits_ever, needs_people, needs_slot, open_slot, overlap, room_for
from server_sync.rules.state import (
    ANY_SLOT_IN_EVENT,
    COMMITMENTS,
    MEMBERS,
    OVERDUE_IN_EVENT,
    OVERDUE_SEATS,
    SLOTS_OF_BLOCK,
    SLOTS_OF_EVENT,
    WAITING_FOR_SLOT,
    WAITING_IN_EVENT,
    Keys,
    State,
    takes_places,
)

READY: Final = 8
"""How many more than are promoted a command keeps ready, while others may be ahead of it."""


def line(state: State, event_id: Id) -> list[SlotReservation]:
    """Everybody who waits for a slot of the event, first come first."""
    return sorted(state.find(WAITING_IN_EVENT, event_id), key=_came)


def line_of(state: State, slot: EventSlot) -> list[SlotReservation]:
    """Everybody who would take *slot*, first come first."""
    waiting = [*state.find(WAITING_FOR_SLOT, slot.id), *state.find(ANY_SLOT_IN_EVENT, slot.event_id)]
    return sorted({claim.id: claim for claim in waiting}.values(), key=_came)


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


def line_ahead(state: State, slot: EventSlot, except_for: Iterable[Id] = (), ask: Keys | None = None) -> Refusal | None:
    """``LINE_AHEAD`` if, in strict order, somebody waits for what room there is in *slot* and could come.

    Who waits and is somewhere else at that time keeps the place in line, and is in nobody's way.
    """
    event = state.get(Event, slot.event_id)
    if event is None or not event.waitlist_enabled or event.waitlist_order != "strict":
        return None
    if ask is not None:
        ask.find |= {(WAITING_FOR_SLOT, slot.id), (ANY_SLOT_IN_EVENT, event.id)}
    ahead = [claim for claim in line_of(state, slot) if claim.id not in except_for]
    ahead = [claim for claim in ahead if fits_ever(state, slot, claim.spots)]  # who never can is in nobody's way
    company = _Company(state, ahead, ask)
    for number, claim in enumerate(ahead):
        if clash(state, slot, company.of(number), (claim.id,)) is None:
            return Refusal(LINE_AHEAD, {"slot_id": slot.id, "waiting": len(ahead)})
    return None


class _Company:
    """Who is in the claims of a line, looked up with what else they have agreed to.

    Before anything is locked those further back are looked up too, more and more of them: that the next twenty are all
    somewhere else must be found out in a few rounds.
    """

    def __init__(self, state: State, claims: Sequence[SlotReservation], ask: Keys | None) -> None:
        self._state = state
        self._claims = claims
        self._ask = ask
        self._reached = 0
        self._width = 2

    def of(self, number: int) -> list[Id]:
        """The participants in the claim number *number*."""
        if self._ask is not None and self._state.tentative and number >= self._reached:
            self._reached = number + self._width
            self._width *= 8
            for claim in self._claims[number : self._reached]:
                self._look_up(claim, self._ask)
        return [member.participant_id for member in self._state.find(MEMBERS, self._claims[number].id)]

    def _look_up(self, claim: SlotReservation, ask: Keys) -> None:
        ask.find.add((MEMBERS, claim.id))
        for member in self._state.find(MEMBERS, claim.id):
            ask.find.add((COMMITMENTS, member.participant_id))
            self._state.find(COMMITMENTS, member.participant_id)


# ------------------------------------------------------------- what to ask for


def needs_room(
    keys: Keys, loaded: State, slot_id: Id, spots: int, people: Iterable[Id], seat_ids: Iterable[Id] = ()
) -> bool:
    """Ask for what decides whether *people* get *spots* places: the slot, their time, holds that ran out, the line.

    *seat_ids* are the seats that they want, if they name any: who holds one beyond the time loses it. Returns
    whether there are holds that ran out: then somebody who waits may be promoted, which must be rehearsed.
    """
    slot = needs_slot(keys, loaded, slot_id)
    needs_people(keys, people)
    if slot is None:
        return False
    event = loaded.get(Event, slot.event_id)
    full = room_for(loaded, slot, spots) is not None
    if full:
        keys.find.add((OVERDUE_IN_EVENT, slot.event_id))
    held = [*_needs_held(keys, loaded, slot, people), *_needs_holders(keys, loaded, slot, seat_ids, loaded.now)]
    overdue = _overdue(loaded, slot, full, held, loaded.now)
    for claim in overdue:
        needs_release(keys, loaded, claim)
    if not full and event is not None and event.waitlist_enabled and event.waitlist_order == "strict":
        line_ahead(loaded, slot, (), keys)
    return bool(overdue)


def _needs_held(keys: Keys, loaded: State, slot: EventSlot, people: Iterable[Id]) -> Iterator[SlotReservation]:
    """The holds of *people* at the time of *slot*: they may have run out."""
    for person in people:
        for member in loaded.guess(COMMITMENTS, person):
            if member.live and overlap(member.start_time, member.end_time, slot):
                keys.read.add((SlotReservation, member.reservation_id))
                claim = loaded.get(SlotReservation, member.reservation_id)
                if claim is not None and claim.claim == "held":
                    yield claim


def _needs_holders(
    keys: Keys, loaded: State, slot: EventSlot, seat_ids: Iterable[Id], now: datetime | None
) -> Iterator[SlotReservation]:
    """Who holds one of these seats of *slot* beyond the time."""
    wanted = set(seat_ids) if slot.seated else set()
    if not wanted:
        return
    keys.find.add((OVERDUE_SEATS, slot.id))
    for seat in loaded.find(OVERDUE_SEATS, slot.id):
        if seat.seat_id in wanted and (now is None or seat.held_until <= now):
            keys.read.add((SlotReservation, seat.reservation_id))
            claim = loaded.get(SlotReservation, seat.reservation_id)
            if claim is not None:
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
    draft: Draft,
    slot: EventSlot,
    spots: int,
    people: Iterable[Id],
    now: datetime | None,
    ask: Keys | None = None,
    seat_ids: Iterable[Id] = (),
) -> None:
    """Free what is held beyond its time where it stands in the way of *people*, and serve the line before them."""
    full = room_for(draft, slot, spots) is not None
    held = [*_needs_held(Keys(), draft, slot, people), *_needs_holders(Keys(), draft, slot, seat_ids, now)]
    overdue = _overdue(draft, slot, full, held, now)
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
    """Promote, in order, whoever fits into what came free: *freed* are ids of slots, or of events (all their slots).

    What was freed counts against blocks and events as well: who waits for another slot of a limited one is served too.
    Returns the promoted claims. With *ask* it is a rehearsal over what is known so far, for a command's ``needs``: it
    asks for all that the promotions would need.
    """
    slots: dict[Id, set[Id]] = {}
    events: set[Id] = set()
    for id in {*freed, *_freed_with_people(draft, ask)}:
        if draft.known(Event, id) is not None:
            events.add(id)
        elif (slot := draft.get(EventSlot, id)) is not None:
            slots.setdefault(slot.event_id, set()).add(id)
    promoted: list[Id] = []
    for event_id in sorted(events | slots.keys()):
        promoted += _Serving(draft, event_id, slots.get(event_id, set()), event_id in events, ask).run()
    return promoted


def _freed_with_people(draft: Draft, ask: Keys | None) -> set[Id]:
    """What those wait for who are no longer where they were: their time may have been all that was in the way."""
    moved: set[Id] = set()
    for member in draft.rows[ReservationMember].values():
        before = draft.base.known(ReservationMember, member.id)
        times = (before.start_time, before.end_time) if before is not None and before.live else None
        if times is not None and (not member.live or member.deleted or times != (member.start_time, member.end_time)):
            moved.add(member.participant_id)
    freed: set[Id] = set()
    for person in sorted(moved):
        if ask is not None:
            ask.find.add((COMMITMENTS, person))
        for waiting in draft.find(COMMITMENTS, person):
            if waiting.waiting:
                if ask is not None:
                    ask.read.add((SlotReservation, waiting.reservation_id))
                claim = draft.get(SlotReservation, waiting.reservation_id)
                freed |= freed_slots(claim) if claim is not None else set()
    return freed


class _Serving:
    """One walk along the line of one event."""

    def __init__(self, draft: Draft, event_id: Id, freed: set[Id], everywhere: bool, ask: Keys | None) -> None:
        self.draft = draft
        self.event = draft.get(Event, event_id)
        self.event_id = event_id
        self.freed = freed
        self.ask = ask
        self.everywhere = everywhere or (self.event is not None and self.event.capacity is not None)
        self.exhausted: set[Id] = set()  # slots, blocks and events that nobody further back may take from
        if ask is not None:
            ask.find.add((WAITING_IN_EVENT, event_id))
        self.line = line(draft, event_id)
        if ask is not None and self.line:  # two who served one line, each not seeing what the other frees, serve nobody
            ask.lock.add((Event, event_id))
        self.company = _Company(draft, self.line, ask)

    def run(self) -> list[Id]:
        """The claims promoted."""
        promoted: list[Id] = []
        for number, claim in enumerate(self.line):
            if self.event_id in self.exhausted:
                break
            if self._promote(number, claim):
                promoted.append(claim.id)
        if promoted and self.ask is not None and self.draft.tentative:
            self._keep_ready(self.ask)
        return promoted

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
                too_small |= self._too_small(full, slot)
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
        if isinstance(slot, Refusal):
            self.exhausted.add(slot_id)
            return None
        return slot

    def _enter(self, number: int, claim: SlotReservation, slot: EventSlot) -> bool:
        people = self.company.of(number)
        if clash(self.draft, slot, people, (claim.id,)) is not None:
            return False  # somewhere else by now: keeps the place in line, and others pass
        if self.ask is not None:
            self.ask.lock.add((SlotReservation, claim.id))
            self.ask.find.add((MEMBERS, claim.id))
            needs_people(self.ask, people)
            needs_slot(self.ask, self.draft, slot.id)
        trial = Draft(self.draft)
        if place(trial, claim, slot, "reserved") is not None:
            return False
        self.draft.write(*trial.puts)
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


def freed_slots(*claims: SlotReservation) -> set[Id]:
    """What ``serve`` is told once *claims* end or move: their slots, or the event of one in line for any slot."""
    freed = {claim.slot_id for claim in claims if takes_places(claim) or claim.claim == "waitlisted"}
    return freed | {claim.event_id for claim in claims if claim.claim == "waitlisted" and claim.any_slot}


def promoted_answer(promoted: list[Id]) -> dict[str, Any]:
    """What an answer says of them; nothing where there are none."""
    return {"promoted": promoted} if promoted else {}
