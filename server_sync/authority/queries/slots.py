"""Slots: lists for people, and the quick look at one that a reservation begins with."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from server_sync.authority.connection import Pool
from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.page import Page, fetch_page
from server_sync.authority.queries.views import SlotPlace, SlotView
from server_sync.authority.tables import metadata
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id

_SLOTS = metadata.tables["event_slots"]
_BLOCKS = metadata.tables["event_time_blocks"]
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]

_PLACES: Final = """
SELECT json_agg(x)::text FROM (
    SELECT s.id, s.programme_id, s.event_id, e.name AS event_name, s.location_id, l.name AS location_name, l.building,
           s.start_time, s.end_time, s.slot_number
    FROM event_slots s JOIN events e ON e.id = s.event_id JOIN locations l ON l.id = s.location_id
    WHERE s.id = ANY($1::uuid[]) AND s.deleted IS NOT TRUE
) x
"""
_PLACES_DECODER: Final = msgspec.json.Decoder(list[SlotPlace])


class SlotLoader:
    """Where and when a slot is. Whoever asks while a read is under way is answered by the next, all together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wanted: dict[Id, asyncio.Future[SlotPlace | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, slot_id: Id) -> SlotPlace | None:
        """The slot's place, or None if there is no such slot."""
        future = self._wanted.get(slot_id)
        if future is None:
            future = self._wanted[slot_id] = asyncio.get_running_loop().create_future()
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(), name="slot-loader")
        return await asyncio.shield(future)

    async def _read(self) -> None:
        """Read until nobody waits."""
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                try:
                    text = await self._pool.fetchval(_PLACES, list(wanted))
                    places = {place.id: place for place in _PLACES_DECODER.decode(text or b"[]")}
                except Exception as error:
                    for future in wanted.values():
                        future.set_exception(error)
                    continue
                for slot_id, future in wanted.items():
                    future.set_result(places.get(slot_id))
        finally:
            self._reading = None


def _view() -> sa.Select[Any]:
    takes = sa.and_(
        _SLOTS.c.status == "open", _BLOCKS.c.status == "open", _EVENTS.c.is_active,
    )  # fmt: skip
    # least() passes over NULL, so a block or an event without a limit does not limit.
    free = sa.func.least(
        _SLOTS.c.capacity - _SLOTS.c.reserved_count,
        _BLOCKS.c.max_capacity - _BLOCKS.c.reserved_count,
        _EVENTS.c.capacity - _EVENTS.c.reserved_count,
    )
    return (
        sa.select(
            _SLOTS,
            _EVENTS.c.name.label("event_name"),
            _ROOMS.c.name.label("location_name"),
            _ROOMS.c.building,
            sa.case((takes, sa.func.greatest(free, 0)), else_=0).label("remaining"),
        )
        .join(_BLOCKS, _BLOCKS.c.id == _SLOTS.c.time_block_id)
        .join(_EVENTS, _EVENTS.c.id == _SLOTS.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == _SLOTS.c.location_id)
        .where(_SLOTS.c.deleted.isnot(True))
    )


async def page(
    reads: Reads,
    programme_id: Id | None,
    *,
    event_id: Id | None,
    location_id: Id | None,
    begins: datetime | None,
    ends: datetime | None,
    available: bool,
    limit: int,
    after: str | None,
) -> Page[SlotView] | Refusal:
    """Slots by start; those that end after *begins* and start before *ends*."""
    select = _view()
    for column, id in (
        (_SLOTS.c.programme_id, programme_id), (_SLOTS.c.event_id, event_id), (_SLOTS.c.location_id, location_id)
    ):  # fmt: skip
        if id is not None:
            select = select.where(column == uid(id))
    if begins is not None:
        select = select.where(_SLOTS.c.end_time > begins)
    if ends is not None:
        select = select.where(_SLOTS.c.start_time < ends)
    if available:
        remaining = select.selected_columns["remaining"]
        select = select.where(remaining > 0)
    order = (_SLOTS.c.start_time, _SLOTS.c.id)
    return await fetch_page(reads, select, SlotView, order, lambda row: (row.start_time, row.id), limit, after)


async def one(reads: Reads, programme_id: Id | None, slot_id: Id) -> SlotView | None:
    """One slot, if it is of the programme (or of any, where none is named)."""
    select = _view().where(_SLOTS.c.id == uid(slot_id))
    if programme_id is not None:
        select = select.where(_SLOTS.c.programme_id == uid(programme_id))
    return await reads.one(select, SlotView)
