"""Those who wait: in which order, and whether they could come now.

A claim waits for its slot, or with ``any_slot`` for whichever slot of its event has room first. The order is that in
which they came (``queued_at``, then id) and is stored nowhere else. Parties come whole. In strict order nobody passes a
party that is too big for the room there is; in best fit whoever fits is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from server_sync.protocol.errors import LINE_AHEAD, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, ReservationMember, SlotReservation
from server_sync.rules.overdue import held_by, ran_out
from server_sync.rules.placing import NONE_WAIVED, elsewhere, fits_ever, over
from server_sync.rules.state import (
    ANY_SLOT_IN_EVENT,
    COMMITMENTS,
    MEMBERS,
    WAITING_FOR_SLOT,
    WAITING_IN_EVENT,
    Keys,
    State,
)


def keeps_line(state: State, slot: EventSlot) -> bool:
    """Whether the event of *slot* keeps a line."""
    event = state.get(Event, slot.event_id)
    return event is not None and event.waitlist_enabled


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


def line_ahead(
    state: State,
    slot: EventSlot,
    except_for: Iterable[Id] = (),
    ask: Keys | None = None,
    leaving: EventSlot | None = None,
) -> Refusal | None:
    """``LINE_AHEAD`` if, in strict order, somebody waits for what room there is in *slot* and could come.

    Who waits and is somewhere else at that time keeps the place in line, and is in nobody's way. Who is *leaving*
    another slot of the event takes nothing from those who would take any.
    """
    event = state.get(Event, slot.event_id)
    if event is None or not event.waitlist_enabled or event.waitlist_order != "strict" or over(state, slot):
        return None
    if ask is not None:
        ask.find |= {(WAITING_FOR_SLOT, slot.id), (ANY_SLOT_IN_EVENT, event.id)}
    within = leaving is not None and leaving.event_id == event.id
    ahead = [claim for claim in line_of(state, slot) if claim.id not in except_for and not (within and claim.any_slot)]
    ahead = [claim for claim in ahead if fits_ever(state, slot, claim.spots)]  # who never can is in nobody's way
    company = Company(state, ahead, ask)
    for number in range(len(ahead)):
        if company.coming(number, slot) is not None:
            return Refusal(LINE_AHEAD, {"slot_id": slot.id, "waiting": len(ahead)})
    return None


class Coming(NamedTuple):
    """How a party could come: who would be in two places, as was granted them; and which holds of theirs ran out."""

    double: frozenset[Id]
    overdue: tuple[SlotReservation, ...]


class Company:
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

    def of(self, number: int) -> list[ReservationMember]:
        """The members of the claim number *number*."""
        if self._ask is not None and self._state.tentative and number >= self._reached:
            self._reached = number + self._width
            self._width *= 8
            for claim in self._claims[number : self._reached]:
                self._look_up(claim, self._ask)
        return self._state.find(MEMBERS, self._claims[number].id)

    def coming(self, number: int, slot: EventSlot) -> Coming | None:
        """How the claim number *number* could come to *slot*; None if somebody in it is elsewhere by now."""
        claim, members = self._claims[number], self.of(number)
        people = [member.participant_id for member in members]
        keys = Keys() if self._ask is None else self._ask
        overdue = {c.id: c for c in held_by(keys, self._state, slot, people) if ran_out(c, self._state.now)}
        keys.lock |= {(SlotReservation, id) for id in overdue}  # some may be confirmed by now, decided in time
        gone = (claim.id, *overdue)
        excused = {member.participant_id for member in members if member.waived}
        double = elsewhere(self._state, slot, people, NONE_WAIVED, gone, excused)
        if isinstance(double, Refusal) or (claim.any_slot and self._has_one(claim, people, gone, keys)):
            return None
        return Coming(double, tuple(overdue.values()))

    def _has_one(self, claim: SlotReservation, people: Iterable[Id], gone: Iterable[Id], keys: Keys) -> bool:
        """Whether somebody who takes any slot of the event has a place in it already."""
        for person in people:
            for member in self._state.find(COMMITMENTS, person):
                if member.live and member.reservation_id not in gone:
                    keys.read.add((EventSlot, member.slot_id))
                    slot = self._state.get(EventSlot, member.slot_id)
                    if slot is not None and slot.event_id == claim.event_id:
                        return True
        return False

    def _look_up(self, claim: SlotReservation, ask: Keys) -> None:
        ask.find.add((MEMBERS, claim.id))
        for member in self._state.find(MEMBERS, claim.id):
            ask.find.add((COMMITMENTS, member.participant_id))
            self._state.find(COMMITMENTS, member.participant_id)
