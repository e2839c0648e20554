"""The day as screens read it: the store's effective rows on the main thread, with what makes reading them quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from desktop.day.days import Days
from desktop.day.people import People, Subject
from desktop.day.status import party
from desktop.store.diff import CommandState, Diff, RowChange
from desktop.store.outbox import Identity
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    LIVE_CLAIMS,
    Attendance,
    Device,
    EventSlot,
    Flag,
    Programme,
    Record,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.search import Found
from server_sync.rules.state import RowKey, State

Listener = Callable[[frozenset[Id]], None]


@dataclass(frozen=True, slots=True)
class Here:
    """How many of those who have a place on a day have come."""

    here: int = 0
    total: int = 0


class Day:
    """Implements ``DayPort`` and ``PrintPort``. ``take`` is called with each diff, on the thread of those who read.

    ``now`` is the server's time as far as this desk knows; ``fresh_at`` the server's time of what is shown.
    """

    def __init__(
        self, identity: Identity, now: Callable[[], datetime], fresh_at: Callable[[], datetime | None]
    ) -> None:
        self.identity = identity
        self._now = now
        self._fresh_at = fresh_at
        self.state = State()
        self.commands: dict[Id, CommandState] = {}
        self._pending: dict[RowKey, frozenset[Id]] = {}
        self._refs: dict[str, RowKey] = {}
        self._waiting: set[Id] = set()
        self._unresolved: set[Id] = set()
        self._people = People(self.state)
        self._days: Days | None = None
        self._counted: dict[Id, tuple[date, int, int]] = {}
        self._totals: dict[date, list[int]] = {}
        self._uncounted: set[Id] = set()
        self._listeners: list[Listener] = []
        self._followers: list[Listener] = []

    # ----------------------------------------------------------------- reading

    def now(self) -> datetime:
        """As ``DayPort.now``."""
        return self._now()

    def fresh_at(self) -> datetime | None:
        """As ``PrintPort.fresh_at``."""
        return self._fresh_at()

    def unsent(self) -> int:
        """As ``PrintPort.unsent``."""
        return len(self._waiting)

    def is_pending(self, record: type[Record], id: Id) -> bool:
        """As ``DayPort.is_pending``."""
        return bool(self._pending.get((record, id)))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """As ``DayPort.subscribe``."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def follow(self, follower: Listener) -> Callable[[], None]:
        """As ``subscribe``, and told of this desk's commands and of passing time too."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    @property
    def programme(self) -> Programme | None:
        """The programme, once it has arrived."""
        return self.state.get(Programme, self.identity.programme)

    @property
    def zone(self) -> tzinfo:
        """The programme's time zone, in which all times are shown."""
        programme = self.programme
        return UTC if programme is None else _zone(programme.time_zone)

    @property
    def days(self) -> Days:
        """The programme's days."""
        if self._days is None:
            slots: dict[Id, EventSlot] = self.state.rows[EventSlot]
            self._days = Days.of((slot for slot in slots.values() if not slot.deleted), self.zone)
        return self._days

    @property
    def today(self) -> date:
        """The programme's day that is on now, else the next one, else the last."""
        return self.days.nearest(self.now())

    @property
    def current(self) -> date:
        """The day that it is now, whether or not the programme goes on then."""
        return self.days.day_of(self.now())

    @property
    def is_on(self) -> bool:
        """Whether the programme goes on today."""
        return self.current == self.today

    def here_today(self) -> Here:
        """How many have come today, of all who have a place today."""
        for claim_id in self._uncounted:
            self._count(claim_id)
        self._uncounted.clear()
        here, total = self._totals.get(self.today, (0, 0))
        return Here(here, total)

    def search(self, text: str, limit: int) -> list[Found]:
        """The best matches for *text* among people, groups and names."""
        return self._people.search(text, limit)

    def subject(self, id: Id) -> Subject | None:
        """Whoever has that id: a participant, a group, or a claim by a name alone."""
        return self._people.subject(id)

    def claims_of(self, id: Id) -> list[SlotReservation]:
        """Every claim of a subject, cancelled ones too, by id."""
        return self._people.claims_of(id)

    def by_ref(self, ref: str) -> RowKey | None:
        """The row with that ref, if it is here."""
        return self._refs.get(ref)

    def own_commands(self) -> Iterator[CommandState]:
        """What this desk asked, newest first."""
        return iter(reversed(self.commands.values()))

    def queued(self) -> list[CommandState]:
        """What this desk asked and has no verdict, oldest first."""
        return sorted((self.commands[id] for id in self._waiting), key=lambda command: command.position)

    def unresolved(self) -> list[CommandState]:
        """What was refused, or never sent by the desk that this was before, and nobody settled; oldest first."""
        return sorted((self.commands[id] for id in self._unresolved), key=lambda command: command.position)

    def open_flags(self) -> list[Flag]:
        """The flags that this desk should look at, oldest first."""
        flags: dict[Id, Flag] = self.state.rows[Flag]
        audiences = {f"device:{self.identity.device}", f"role:{self.identity.ceiling}"}
        mine = [flag for flag in flags.values() if flag.resolved_at is None and flag.audience in audiences]
        return sorted((flag for flag in mine if not flag.deleted), key=lambda flag: (flag.raised_at, flag.id))

    def device_name(self, id: Id | None) -> str:
        """What a desk is called."""
        if id == self.identity.device:
            return self.identity.name
        device = self.state.get(Device, id)
        return "" if device is None else device.name

    # ------------------------------------------------------------------ taking

    def take(self, diff: Diff) -> None:
        """Follow one change of the store, then tell whoever listens."""
        if diff.whole:
            self._forget()
        for change in diff.rows:
            self._take_row(change)
        if diff.whole:
            self._people = People(self.state)
        for command in diff.commands:
            self.commands[command.id] = command
            (self._waiting.add if command.status == "queued" else self._waiting.discard)(command.id)
            (self._unresolved.add if command.needs_attention else self._unresolved.discard)(command.id)
        rows = frozenset(change.id for change in diff.rows)
        if rows or diff.whole:
            for listener in tuple(self._listeners):
                listener(frozenset() if diff.whole else rows)
        self._tell_followers(frozenset() if diff.whole else rows | {command.id for command in diff.commands})

    def pass_time(self) -> None:
        """Tell followers that words which depend on the time may have changed."""
        self._tell_followers(frozenset())

    def _tell_followers(self, ids: frozenset[Id]) -> None:
        for follower in tuple(self._followers):
            follower(ids)

    def _forget(self) -> None:
        self.state = State()
        self._people = People(self.state, quiet=True)
        self._days = None
        self._uncounted.clear()
        self._waiting.clear()
        self._unresolved.clear()
        for table in (self.commands, self._pending, self._refs, self._counted, self._totals):
            table.clear()

    def _take_row(self, change: RowChange) -> None:
        key: RowKey = (change.record, change.id)
        before: Record | None = self.state.rows[change.record].get(change.id)
        self._uncount(before)
        if change.row is None:
            self.state.remove(*key)
        else:
            self.state.put(change.row)
        self._uncount(change.row)
        if change.pending:
            self._pending[key] = change.pending
        else:
            self._pending.pop(key, None)
        for row, keep in ((before, False), (change.row, True)):
            ref = getattr(row, "ref", None)
            if ref is not None and keep:
                self._refs[ref] = key
            elif ref is not None:
                self._refs.pop(ref, None)
        if isinstance(change.row, EventSlot) and not _same_time(before, change.row):
            self._days = None
        self._people.changed(before, change.row)

    # ---------------------------------------------------------------- counting

    def _uncount(self, row: Record | None) -> None:
        """Whoever is counted by *row* is to be counted anew."""
        if isinstance(row, SlotReservation):
            claim_id = row.id
        elif isinstance(row, Attendance | ReservationMember):
            claim_id = row.reservation_id
        else:
            return
        self._uncounted.add(claim_id)
        counted = self._counted.pop(claim_id, None)
        if counted is not None:
            day, here, total = counted
            self._totals[day][0] -= here
            self._totals[day][1] -= total

    def _count(self, claim_id: Id) -> None:
        claim = self.state.get(SlotReservation, claim_id)
        if claim is None:
            return
        slot = self.state.get(EventSlot, claim.slot_id)
        here = total = 0
        day = self.today if slot is None else self.days.day_of(slot.start_time)
        if slot is not None and not claim.deleted and claim.claim in LIVE_CLAIMS:
            words = [member.word for member in party(self.state, claim).values()]
            total, here = len(words), sum(word in ("checked_in", "performed") for word in words)
        self._counted[claim_id] = (day, here, total)
        totals = self._totals.setdefault(day, [0, 0])
        totals[0] += here
        totals[1] += total


def _same_time(before: Record | None, slot: EventSlot) -> bool:
    return isinstance(before, EventSlot) and (before.start_time, before.end_time, before.deleted) == (
        slot.start_time, slot.end_time, slot.deleted,
    )  # fmt: skip


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):
        return UTC
