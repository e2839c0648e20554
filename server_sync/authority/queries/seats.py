"""Seats: a room's map, and which of them are to be had in a slot."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.views import ReservedSeat
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SeatState

_SEATS = metadata.tables["seats"]
_PLACES = metadata.tables["slot_seats"]
_SLOTS = metadata.tables["event_slots"]
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]

_POSITION = (_SEATS.c.row + "-" + sa.cast(_SEATS.c.number, sa.Text)).label("seat")
_FROM_THE_FRONT = (sa.func.length(_SEATS.c.row), _SEATS.c.row.collate("C"), _SEATS.c.number, _SEATS.c.id)


class RoomSeat(msgspec.Struct, frozen=True, kw_only=True):
    """A seat of a room; ``seat`` is what people read on it, as ``A-1``."""

    seat_id: Id
    seat: str
    row: str
    number: int
    seat_type: str


class SlotSeatView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A seat in a slot. ``reservation_id`` and ``held_until`` are for staff: the public sees the state alone.

    What is held beyond its time is available: whoever asks for it gets it.
    """

    seat_id: Id
    seat: str
    row: str
    number: int
    seat_type: str
    state: SeatState
    price: int | None = None
    reservation_id: Id | None = None
    held_until: datetime | None = None


class SeatMap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The seats of a slot from the front, and how many are in which state. Prices are in ``currency``'s smallest unit.

    A slot whose places are no seats has none here.
    """

    slot_id: Id
    available: int
    held: int
    booked: int
    seats: list[SlotSeatView]
    currency: str | None = None


class _Slot(msgspec.Struct, frozen=True):
    id: Id
    currency: str | None = None


async def of_room(reads: Reads, programme_id: Id | None, location_id: Id) -> list[RoomSeat] | None:
    """The room's seats from the front; None if there is no such room."""
    if not await _there(reads, _ROOMS, programme_id, location_id):
        return None
    select = (
        sa.select(_SEATS.c.id.label("seat_id"), _POSITION, _SEATS.c.row, _SEATS.c.number, _SEATS.c.seat_type)
        .where(_SEATS.c.location_id == uid(location_id), _SEATS.c.deleted.isnot(True))
        .order_by(*_FROM_THE_FRONT)
    )
    return await reads.rows(select, RoomSeat)


async def of_slot(reads: Reads, programme_id: Id | None, slot_id: Id, *, whose: bool) -> SeatMap | None:
    """The slot's seats, with *whose* they are for staff; None if there is no such slot."""
    slot = await _slot(reads, programme_id, slot_id)
    if slot is None:
        return None
    over = sa.and_(_PLACES.c.state == "held", _PLACES.c.held_until <= sa.func.now())
    columns = [
        _SEATS.c.id.label("seat_id"), _POSITION, _SEATS.c.row, _SEATS.c.number, _SEATS.c.seat_type, _PLACES.c.price,
        sa.case((over, "available"), else_=_PLACES.c.state).label("state"),
    ]  # fmt: skip
    if whose:
        columns += [
            sa.case((over, None), else_=column).label(column.name)
            for column in (_PLACES.c.reservation_id, _PLACES.c.held_until)
        ]
    select = (
        sa.select(*columns)
        .join(_SEATS, _SEATS.c.id == _PLACES.c.seat_id)
        .where(_PLACES.c.slot_id == uid(slot_id), _PLACES.c.deleted.isnot(True))
        .order_by(*_FROM_THE_FRONT)
    )
    seats = await reads.rows(select, SlotSeatView)
    states = [seat.state for seat in seats]
    return SeatMap(
        slot_id=slot.id, seats=seats, currency=slot.currency,
        available=states.count("available"), held=states.count("held"), booked=states.count("booked"),
    )  # fmt: skip


class _Reserved(ReservedSeat, frozen=True, kw_only=True, omit_defaults=True):
    reservation_id: Id


async def of_claims(reads: Reads, ids: list[Id]) -> dict[Id, list[ReservedSeat]]:
    """The seats that each of these claims has, from the front."""
    if not ids:
        return {}
    select = (
        sa.select(
            _PLACES.c.reservation_id, _SEATS.c.id.label("seat_id"), _POSITION, _SEATS.c.seat_type, _PLACES.c.price
        )
        .join(_SEATS, _SEATS.c.id == _PLACES.c.seat_id)
        .where(_PLACES.c.reservation_id.in_([uid(id) for id in ids]))
        .order_by(*_FROM_THE_FRONT)
    )
    found: dict[Id, list[ReservedSeat]] = defaultdict(list)
    for row in await reads.rows(select, _Reserved):
        seat = ReservedSeat(seat_id=row.seat_id, seat=row.seat, seat_type=row.seat_type, price=row.price)
        found[row.reservation_id].append(seat)
    return found


async def _slot(reads: Reads, programme_id: Id | None, slot_id: Id) -> _Slot | None:
    select = (
        sa.select(_SLOTS.c.id, _EVENTS.c.currency)
        .join(_EVENTS, _EVENTS.c.id == _SLOTS.c.event_id)
        .where(_SLOTS.c.id == uid(slot_id), _SLOTS.c.deleted.isnot(True))
    )
    if programme_id is not None:
        select = select.where(_SLOTS.c.programme_id == uid(programme_id))
    return await reads.one(select, _Slot)


async def _there(reads: Reads, table: sa.Table, programme_id: Id | None, id: Id) -> bool:
    select = sa.select(sa.literal(1)).where(table.c.id == uid(id), table.c.deleted.isnot(True))
    if programme_id is not None:
        select = select.where(table.c.programme_id == uid(programme_id))
    return await reads.value(select) is not None
