"""What a rule sees (``State``), what it asks to see (``Keys``) and what it answers (``Changes``).

A state is a bag of rows with a few declared indexes. The authority fills one with what a batch of commands asked for;
a desk's replica is one that holds everything; a ``Draft`` (draft.py) is one that a command works on. ``apply`` derives
the counts of slots, blocks and events exactly as the database's trigger does, so that neither rules nor desks keep
counts by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    LIVE_CLAIMS,
    Attendance,
    Credential,
    Event,
    EventLocation,
    EventSlot,
    EventTimeBlock,
    Flag,
    Group,
    Location,
    Participant,
    Record,
    ReservationMember,
    Seat,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.redaction import Forgotten

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, eq=False, slots=True)
class Index:
    """A way to find rows of ``record`` by the value of ``column``; ``only`` keeps some, as ``where`` does in SQL.

    ``where`` may keep fewer (what has not expired, say): then a rule must not miss the others. With ``named`` rows are
    found by a text within their programme (``named_key``); with ``gone`` those that were deleted are found too.
    """

    record: type[Record]
    column: str
    where: str | None = None
    only: Callable[[Any], bool] | None = None
    named: bool = False
    gone: bool = False

    def key(self, row: Record) -> str | None:
        """The value under which *row* is found here, or None."""
        if row.deleted and not self.gone:
            return None
        if self.only is not None and not self.only(row):
            return None
        value: str | None = getattr(row, self.column)
        return value if value is None or not self.named else named_key(row.programme_id, value)


def named_key(programme_id: Id, name: str) -> str:
    """The key of a ``named`` index for *name*, which is a row's own word for itself."""
    return f"{programme_id}/{name}"


def _committed(row: ReservationMember) -> bool:
    return row.live or row.waiting is True


def _waiting(row: SlotReservation) -> bool:
    return row.claim == "waitlisted"


def _waiting_anywhere(row: SlotReservation) -> bool:
    return row.claim == "waitlisted" and row.any_slot is True


def _held(row: SlotReservation) -> bool:
    return row.claim == "held"


def _held_seat(row: SlotSeat) -> bool:
    return row.state == "held"


def _holding(row: SlotReservation) -> bool:
    return row.claim in LIVE_CLAIMS


COMMITMENTS = Index(ReservationMember, "participant_id", "(live OR waiting)", _committed)
MEMBERSHIPS_OF_PERSON = Index(ReservationMember, "participant_id")
MEMBERSHIPS_EVER = Index(ReservationMember, "participant_id", gone=True)
MEMBERS_EVER = Index(ReservationMember, "reservation_id", gone=True)
FLAGS_ABOUT = Index(Flag, "subject", named=True)
MEMBERS = Index(ReservationMember, "reservation_id")
FACTS = Index(Attendance, "reservation_id")
FACTS_OF_COMMAND = Index(Attendance, "command_id")
WAITING_IN_EVENT = Index(SlotReservation, "event_id", "claim = 'waitlisted'", _waiting)
ANY_SLOT_IN_EVENT = Index(SlotReservation, "event_id", "claim = 'waitlisted' AND any_slot", _waiting_anywhere)
OVERDUE_IN_EVENT = Index(
    SlotReservation, "event_id", "claim = 'held' AND expires_at <= clock_timestamp() + interval '1 second'", _held
)
WAITING_FOR_SLOT = Index(SlotReservation, "slot_id", "claim = 'waitlisted'", _waiting)
CLAIMS_ON_SLOT = Index(SlotReservation, "slot_id", "claim IN ('held', 'reserved')", _holding)
ALL_CLAIMS_ON_SLOT = Index(SlotReservation, "slot_id")
CLAIMS_OF_GROUP = Index(SlotReservation, "group_id")
SLOTS_OF_BLOCK = Index(EventSlot, "time_block_id")
SLOTS_OF_EVENT = Index(EventSlot, "event_id")
SEATS_OF_LOCATION = Index(Seat, "location_id")
SEATS_OF_SLOT = Index(SlotSeat, "slot_id")
SLOTS_OF_SEAT = Index(SlotSeat, "seat_id")
OVERDUE_SEATS = Index(
    SlotSeat, "slot_id", "state = 'held' AND held_until <= clock_timestamp() + interval '1 second'", _held_seat
)
BLOCKS_OF_EVENT = Index(EventTimeBlock, "event_id")
BLOCKS_OF_LOCATION = Index(EventTimeBlock, "location_id")
ROOMS_OF_EVENT = Index(EventLocation, "event_id")
EVENTS_OF_ROOM = Index(EventLocation, "location_id")
EVENTS_WITH_RULES = Index(Event, "rules_id")
PEOPLE_OF_GROUP = Index(Participant, "group_id")
MERGED_INTO = Index(Participant, "merged_into")
PERSON_NAMED = Index(Participant, "external_id", named=True)
GROUP_NAMED = Index(Group, "external_id", named=True)
EVENT_NAMED = Index(Event, "external_id", named=True)
LOCATION_NAMED = Index(Location, "external_id", named=True)
PEOPLE = Index(Participant, "programme_id")
GROUPS = Index(Group, "programme_id")
EVENTS = Index(Event, "programme_id")
LOCATIONS = Index(Location, "programme_id")
BLOCKS = Index(EventTimeBlock, "programme_id")
SLOTS = Index(EventSlot, "programme_id")
CLAIMS = Index(SlotReservation, "programme_id")
MEMBERSHIPS = Index(ReservationMember, "programme_id")
USES_OF_ROOMS = Index(EventLocation, "programme_id")
CREDENTIALS = Index(Credential, "holder_id")

INDEXES: tuple[Index, ...] = (
    COMMITMENTS, MEMBERSHIPS_OF_PERSON, MEMBERSHIPS_EVER, MEMBERS_EVER, FLAGS_ABOUT, MEMBERS, FACTS, FACTS_OF_COMMAND,
    WAITING_IN_EVENT, ANY_SLOT_IN_EVENT,
    OVERDUE_IN_EVENT, WAITING_FOR_SLOT, CLAIMS_ON_SLOT, CLAIMS_OF_GROUP, SLOTS_OF_BLOCK, SLOTS_OF_EVENT,
    SEATS_OF_LOCATION, SEATS_OF_SLOT, SLOTS_OF_SEAT, OVERDUE_SEATS,
    BLOCKS_OF_EVENT, BLOCKS_OF_LOCATION, ROOMS_OF_EVENT,
    PEOPLE_OF_GROUP, PERSON_NAMED, GROUP_NAMED, EVENT_NAMED, LOCATION_NAMED, PEOPLE, GROUPS, EVENTS, LOCATIONS, BLOCKS,
    SLOTS, CLAIMS, MEMBERSHIPS, USES_OF_ROOMS, CREDENTIALS, MERGED_INTO,
    ALL_CLAIMS_ON_SLOT, EVENTS_OF_ROOM, EVENTS_WITH_RULES,
)  # fmt: skip
INDEXES_OF: dict[type[Record], tuple[Index, ...]] = defaultdict(tuple)
for _index in INDEXES:
    INDEXES_OF[_index.record] += (_index,)

RowKey = tuple[type[Record], Id]
IndexKey = tuple[Index, str]


@dataclass(slots=True)
class Keys:
    """What a command must see: rows to lock (and read), rows to read, and index entries whose rows to read."""

    lock: set[RowKey] = field(default_factory=set)
    read: set[RowKey] = field(default_factory=set)
    find: set[IndexKey] = field(default_factory=set)

    def __ior__(self, other: Keys) -> Keys:
        self.lock |= other.lock
        self.read |= other.read
        self.find |= other.find
        return self

    @classmethod
    def of(cls, wants: Iterable[Keys]) -> Keys:
        """All that is in *wants*."""
        keys = cls()
        for wanted in wants:
            keys |= wanted
        return keys

    def covers(self, other: Keys) -> bool:
        """Whether everything in *other* is asked for here."""
        return other.lock <= self.lock and other.find <= self.find and other.read <= (self.read | self.lock)


@dataclass(slots=True)
class Changes:
    """What an applied command does: whole rows to put, in order, and the answer to whoever asked (JSON).

    ``erase`` is whom the ledger is to forget. ``moments`` is how many microseconds it takes: whoever is decided about
    next comes after them.
    """

    puts: list[Record] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    erase: Forgotten | None = None
    moments: int = 1


class Effect(NamedTuple):
    """One row that a command wrote: ``before`` is None for a new row."""

    before: Record | None
    after: Record


class State:
    """Rows by table and id, with the declared indexes kept for the keys in use.

    ``get`` and ``find`` answer from what is there; whether everything needed was loaded is the caller's business
    (``Keys.covers``), and a subclass may check it.
    """

    tentative = False  # true where rows are hints: whoever asks for keys there does well to ask for some more

    def __init__(self) -> None:
        self.now: datetime | None = None  # the moment at which it is looked at, where that is known
        self.rows: dict[type[Record], dict[Id, Any]] = defaultdict(dict)
        self.found: dict[Index, dict[str, dict[Id, Any]]] = defaultdict(dict)

    def get(self, record: type[R], id: Id | None) -> R | None:
        """The row with that id, deleted ones too; None if there is none."""
        row: R | None = self.rows[record].get(id) if id is not None else None
        return row

    def known(self, record: type[R], id: Id) -> R | None:
        """The row with that id if it is at hand; nobody needs to have asked for it."""
        row: R | None = self.rows[record].get(id)
        return row

    def find(self, index: Index, key: str) -> list[Any]:
        """The rows under *key* of *index* that are not deleted, by id (so in order of creation)."""
        entries = self.found[index].get(key)
        return sorted(entries.values(), key=lambda row: row.id) if entries else []

    def guess(self, index: Index, key: str) -> list[Any]:
        """As ``find``; where little is known yet, what is known, without asking for more."""
        return self.find(index, key)

    def put(self, row: Record) -> None:
        """Set one row and its index entries; counts are not touched."""
        record = type(row)
        rows = self.rows[record]
        old = rows.get(row.id)
        rows[row.id] = row
        for index in INDEXES_OF[record]:
            new_key = index.key(row)
            if old is not None:
                old_key = index.key(old)
                if old_key is not None and old_key != new_key:
                    self.found[index].get(old_key, {}).pop(row.id, None)
            if new_key is not None:
                self._enter(index, new_key, row)

    def _enter(self, index: Index, key: str, row: Record) -> None:
        self.found[index].setdefault(key, {})[row.id] = row

    def remove(self, record: type[Record], id: Id) -> None:
        """Forget one row and its index entries."""
        old = self.rows[record].pop(id, None)
        if old is None:
            return
        for index in INDEXES_OF[record]:
            key = index.key(old)
            if key is not None:
                self.found[index].get(key, {}).pop(id, None)

    def apply(self, puts: Iterable[Record]) -> list[Effect]:
        """Put *puts* in order and derive the counts; returns what changed in all, counts included, one entry a row."""
        effects: dict[RowKey, Effect] = {}
        for row in puts:
            before = self.known(type(row), row.id)
            self._put(row, before, effects)
            if isinstance(row, SlotReservation):
                self._count(before if isinstance(before, SlotReservation) else None, row, effects)
        return [effect for effect in effects.values() if effect.before != effect.after]

    def _put(self, row: Record, before: Record | None, effects: dict[RowKey, Effect]) -> None:
        self.put(row)
        key = (type(row), row.id)
        first = effects.get(key)
        effects[key] = Effect(first.before if first else before, row)

    def _count(self, before: SlotReservation | None, after: SlotReservation, effects: dict[RowKey, Effect]) -> None:
        old = before.spots if before is not None and takes_places(before) else 0
        new = after.spots if takes_places(after) else 0
        if before is None or before.slot_id == after.slot_id:
            if new != old:
                self._add(dict.fromkeys(_limits(after), new - old), effects)
            return
        deltas: dict[RowKey, int] = dict.fromkeys(_limits(before), -old)
        for key in _limits(after):  # who stays within a block or an event gives nothing back there
            deltas[key] = deltas.get(key, 0) + new
        self._add(deltas, effects)

    def _add(self, deltas: dict[RowKey, int], effects: dict[RowKey, Effect]) -> None:
        for (record, id), delta in deltas.items():
            row = self.get(record, id) if delta else None
            if isinstance(row, EventSlot):
                self._put(_counted(row, delta, row.capacity), row, effects)
            elif isinstance(row, EventTimeBlock) and row.max_capacity is not None:
                self._put(_counted(row, delta, row.max_capacity), row, effects)
            elif isinstance(row, Event) and row.capacity is not None:
                self._put(_counted(row, delta, row.capacity), row, effects)


def _limits(claim: SlotReservation) -> tuple[RowKey, ...]:
    """The rows that count *claim*."""
    return (EventSlot, claim.slot_id), (EventTimeBlock, claim.time_block_id), (Event, claim.event_id)


C = TypeVar("C", EventSlot, EventTimeBlock, Event)


def _counted(row: C, delta: int, capacity: int) -> C:
    """*row* with *delta* more reserved; what was overbooked is given back as it empties, and never raised here."""
    reserved = row.reserved_count + delta
    overbooked = row.overbooked_count
    if delta < 0:
        overbooked = min(overbooked, max(0, reserved - capacity))
    return structs.replace(row, reserved_count=reserved, overbooked_count=overbooked)


def takes_places(claim: SlotReservation) -> bool:
    """Whether *claim* counts against its slot's capacity."""
    return claim.claim in LIVE_CLAIMS and not claim.deleted
