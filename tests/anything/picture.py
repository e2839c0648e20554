"""The rows of a programme as anybody would read them: who is where, who waits, what is open and what is full.

What is judged with the rules' own functions can't show that these are wrong, so nothing here asks a rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    LIVE_CLAIMS,
    Event,
    EventSlot,
    EventTimeBlock,
    Record,
    ReservationMember,
    Seat,
    SlotReservation,
    SlotSeat,
)

R = TypeVar("R", bound=Record)

LIMITS: tuple[tuple[type[EventSlot | EventTimeBlock | Event], str], ...] = (
    (EventSlot, "capacity"), (EventTimeBlock, "max_capacity"), (Event, "capacity"),
)  # fmt: skip


class Span(Protocol):
    """What has a beginning and an end."""

    @property
    def start_time(self) -> datetime: ...

    @property
    def end_time(self) -> datetime: ...


def overlap(one: Span, other: Span) -> bool:
    """Whether they have some time in common."""
    return one.start_time < other.end_time and other.start_time < one.end_time


def live(claim: SlotReservation | None) -> bool:
    """Whether the claim takes places."""
    return claim is not None and claim.claim in LIVE_CLAIMS and not claim.deleted


def waits(claim: SlotReservation | None) -> bool:
    """Whether the claim stands in line."""
    return claim is not None and claim.claim == "waitlisted" and not claim.deleted


def wants(claim: SlotReservation, slot: EventSlot) -> bool:
    """Whether a claim in line would take *slot*."""
    return claim.slot_id == slot.id or (bool(claim.any_slot) and claim.event_id == slot.event_id)


def came(claim: SlotReservation) -> tuple[datetime, Id]:
    """What the order of the line goes by."""
    assert claim.queued_at is not None, f"{claim.id} waits since no time"
    return claim.queued_at, claim.id


class Picture:
    """Rows at one moment; they are kept, whatever becomes of *rows* afterwards."""

    def __init__(self, rows: Mapping[type[Record], Mapping[Id, Any]], now: datetime) -> None:
        self.now = now
        self.rows: dict[type[Record], dict[Id, Any]] = {record: dict(some) for record, some in rows.items() if some}

    def get(self, record: type[R], id: Id | None) -> R | None:
        """The row with that id, whether or not it left."""
        row: R | None = self.rows.get(record, {}).get(id) if id is not None else None
        return row

    def all(self, record: type[R]) -> Iterator[R]:
        """The rows of that kind that did not leave."""
        return (row for row in self.rows.get(record, {}).values() if not row.deleted)

    @cached_property
    def members(self) -> dict[Id, list[ReservationMember]]:
        """By claim, who is in it."""
        found = defaultdict(list)
        for member in self.all(ReservationMember):
            found[member.reservation_id].append(member)
        return found

    @cached_property
    def commitments(self) -> dict[Id, list[ReservationMember]]:
        """By person, where they are and what they wait for."""
        found = defaultdict(list)
        for member in self.all(ReservationMember):
            if member.live or member.waiting:
                found[member.participant_id].append(member)
        return found

    @cached_property
    def lines(self) -> dict[Id, list[SlotReservation]]:
        """By event, who waits, first come first."""
        found = defaultdict(list)
        for claim in self.all(SlotReservation):
            if waits(claim):
                found[claim.event_id].append(claim)
        for claims in found.values():
            claims.sort(key=came)
        return found

    @cached_property
    def slots_of(self) -> dict[Id, list[EventSlot]]:
        """By event, its slots."""
        found = defaultdict(list)
        for slot in self.all(EventSlot):
            found[slot.event_id].append(slot)
        return found

    def overdue(self, claim: SlotReservation | None) -> bool:
        """Whether it is a hold beyond its time."""
        return (
            claim is not None
            and claim.claim == "held"
            and claim.expires_at is not None
            and claim.expires_at <= self.now
        )

    def openness(self, slot: EventSlot) -> Literal["open", "closed", "cancelled"]:
        """What *slot* is, its block and event considered."""
        block, event = self.get(EventTimeBlock, slot.time_block_id), self.get(Event, slot.event_id)
        words = {slot.status, block.status if block is not None else "cancelled"}
        if slot.deleted or block is None or block.deleted or "cancelled" in words:
            return "cancelled"
        shut = event is None or bool(event.deleted) or not event.is_active
        return "closed" if "closed" in words or shut else "open"

    def limits(self, slot: EventSlot) -> dict[Id, tuple[int, int]]:
        """What limits *slot*, itself first: so many are taken of so many."""
        found = {}
        for (record, field), id in zip(LIMITS, (slot.id, slot.time_block_id, slot.event_id), strict=True):
            row: Any = self.get(record, id)
            capacity = getattr(row, field) if row is not None else None
            if capacity is not None:
                found[id] = (row.reserved_count, capacity)
        return found

    def lacking(self, slot: EventSlot, spots: int) -> set[Id]:
        """What has no room for *spots* more there."""
        return {id for id, (taken, capacity) in self.limits(slot).items() if taken + spots > capacity}

    def fits_ever(self, slot: EventSlot, spots: int) -> bool:
        """Whether so many could be there if all others left."""
        if slot.seated and spots > len(self.seats(slot)):
            return False
        return all(spots <= capacity for _, capacity in self.limits(slot).values())

    def seats(self, slot: EventSlot) -> list[SlotSeat]:
        """The seats of *slot* that its room still has."""
        here = (seat for seat in self.all(SlotSeat) if seat.slot_id == slot.id)
        return [seat for seat in here if not self.rows[Seat][seat.seat_id].deleted]

    def seats_free(self, slot: EventSlot) -> int:
        """How many seats nobody has."""
        return sum(seat.state == "available" for seat in self.seats(slot))

    def to_come(self, slot: EventSlot) -> bool:
        """Whether the time of *slot* is not over."""
        return slot.end_time > self.now

    def free(self, claim: SlotReservation, slot: EventSlot) -> bool:
        """Whether everybody who waits in *claim* could be in *slot*, as far as their time goes."""
        return all(self._free(claim, member, slot, ()) for member in self.members.get(claim.id, ()))

    def soon_free(self, claim: SlotReservation, slot: EventSlot) -> bool:
        """As ``free``, once holds that ran out are ended: whoever looks for room ends them first."""
        over = {other.id for other in self.all(SlotReservation) if self.overdue(other)}
        return all(self._free(claim, member, slot, over) for member in self.members.get(claim.id, ()))

    def _free(self, claim: SlotReservation, member: ReservationMember, slot: EventSlot, gone: Container[Id]) -> bool:
        for other in self.commitments.get(member.participant_id, ()):
            if other.reservation_id == claim.id or other.reservation_id in gone:
                continue
            if other.slot_id == slot.id or (other.live and overlap(other, slot) and not member.waived):
                return False
            there = self.get(EventSlot, other.slot_id)
            if claim.any_slot and other.live and there is not None and there.event_id == claim.event_id:
                return False  # has a place in it already
        return True
