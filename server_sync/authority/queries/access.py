"""Who may use a programme: staff, desks, and invitations."""

from __future__ import annotations

import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.views import DeviceView
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Enrolment, Staff

_STAFF = metadata.tables["staff"]
_DEVICES = metadata.tables["devices"]
_CURSORS = metadata.tables["device_cursors"]
_ENROLMENTS = metadata.tables["enrolments"]


async def staff(reads: Reads, programme_id: Id | None) -> list[Staff]:
    """Staff of a programme (or of all) by name."""
    select = sa.select(_STAFF).where(_STAFF.c.deleted.isnot(True))
    if programme_id is not None:
        select = select.where(_STAFF.c.programme_id == uid(programme_id))
    return await reads.rows(select.order_by(_STAFF.c.name, _STAFF.c.id), Staff)


async def devices(reads: Reads, programme_id: Id | None) -> list[DeviceView]:
    """Desks of a programme (or of all) by name, with when each was last heard of."""
    select = (
        sa.select(_DEVICES, _CURSORS.c.last_seen, _CURSORS.c.waiting)
        .outerjoin(_CURSORS, _CURSORS.c.device_id == _DEVICES.c.id)
        .where(_DEVICES.c.deleted.isnot(True))
    )
    if programme_id is not None:
        select = select.where(_DEVICES.c.programme_id == uid(programme_id))
    return await reads.rows(select.order_by(_DEVICES.c.name, _DEVICES.c.id), DeviceView)


async def enrolment(reads: Reads, code_id: Id) -> Enrolment | None:
    """The invitation whose code has that ``secret_id``."""
    return await reads.one(sa.select(_ENROLMENTS).where(_ENROLMENTS.c.id == uid(code_id)), Enrolment)
