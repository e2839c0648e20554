"""Every table of the authority, as SQLAlchemy knows them, and the triggers that go with them.

The columns of a record's table are the record's fields (see the protocol package) and the bookkeeping of ``base``.
"""

from server_sync.authority.tables.base import metadata
from server_sync.authority.tables.ledger import commands, device_cursors, server_settings
from server_sync.authority.tables.people import groups, participants
from server_sync.authority.tables.programmes import credentials, devices, enrolments, programmes, staff
from server_sync.authority.tables.reservations import (
    attendance,
    flags,
    reservation_members,
    room_days,
    slot_reservations,
)
from server_sync.authority.tables.schedule import (
    event_locations,
    event_rules,
    event_slots,
    event_time_blocks,
    events,
    locations,
)
from server_sync.authority.tables.search import search_people, search_words, search_words_left
from server_sync.authority.tables.seats import notifications, payments, seats, slot_seats

__all__ = [
    "attendance",
    "commands",
    "credentials",
    "device_cursors",
    "devices",
    "enrolments",
    "event_locations",
    "event_rules",
    "event_slots",
    "event_time_blocks",
    "events",
    "flags",
    "groups",
    "locations",
    "metadata",
    "notifications",
    "participants",
    "payments",
    "programmes",
    "reservation_members",
    "room_days",
    "search_people",
    "search_words",
    "search_words_left",
    "seats",
    "server_settings",
    "slot_reservations",
    "slot_seats",
    "staff",
]
