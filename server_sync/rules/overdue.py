"""Holds beyond their time. They count for nothing: whoever looks at what is taken lets go of them first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules.placing import overlap
from server_sync.rules.state import COMMITMENTS, OVERDUE_IN_EVENT, OVERDUE_SEATS, Keys, State


def ran_out(claim: SlotReservation, now: datetime | None) -> bool:
    """Whether *claim* is a hold beyond its time; while the time is not known, any hold may be."""
    if claim.claim != "held" or claim.expires_at is None:
        return False
    return now is None or claim.expires_at <= now


def overdue_in(state: State, event_id: Id, now: datetime | None) -> list[SlotReservation]:
    """The holds of an event that ran out."""
    return [claim for claim in state.find(OVERDUE_IN_EVENT, event_id) if ran_out(claim, now)]


def held_by(keys: Keys, state: State, slot: EventSlot, people: Iterable[Id]) -> Iterator[SlotReservation]:
    """The holds of *people* at the time of *slot*, asked for in *keys*."""
    for person in people:
        for member in state.guess(COMMITMENTS, person):
            if member.live and overlap(member.start_time, member.end_time, slot):
                keys.read.add((SlotReservation, member.reservation_id))
                claim = state.get(SlotReservation, member.reservation_id)
                if claim is not None and claim.claim == "held":
                    yield claim


def holders(
    keys: Keys, state: State, slot: EventSlot, seat_ids: Iterable[Id], now: datetime | None
) -> Iterator[SlotReservation]:
    """Who holds one of these seats of *slot* beyond the time."""
    wanted = set(seat_ids) if slot.seated else set()
    if not wanted:
        return
    keys.find.add((OVERDUE_SEATS, slot.id))
    for seat in state.find(OVERDUE_SEATS, slot.id):
        if seat.seat_id in wanted and (now is None or seat.held_until <= now):
            keys.read.add((SlotReservation, seat.reservation_id))
            claim = state.get(SlotReservation, seat.reservation_id)
            if claim is not None:
                yield claim
