"""What the Board knows, apart from how it looks: the rows of a day as columns of cards, and which of them to stress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from PySide6.QtCore import QObject, Signal

from desktop.day.claims import day_words
from desktop.day.days import Days
from desktop.day.ports import DayPort
from desktop.day.slots import SlotFacts, place_words, slot_facts
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.screens.board.records import (
    BoardCard,
    BoardRoom,
    BoardState,
    Choice,
    Filter,
    Phase,
    Stress,
)
from desktop.screens.board.viewmodel.cards import card_of, folded, natural
from desktop.widgets.records import StatusKind, Tone
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Attendance,
    Device,
    EventSlot,
    Flag,
    Location,
    Programme,
    ReservationMember,
    RoomDay,
    SlotReservation,
    Staff,
)
from server_sync.rules.room_day import predicted_start, room_day_id
from server_sync.rules.state import LOCATIONS

QUARTER = 15
_MINUTE = timedelta(minutes=1)

# These change by themselves as time goes by.
_MOVING = frozenset({StatusKind.ON_STAGE, StatusKind.LATE, StatusKind.HELD, StatusKind.EXPECTED})


@dataclass(frozen=True, slots=True)
class _Entry:
    """A slot's card with what the counts and filters need of it."""

    card: BoardCard
    folded: str
    people: tuple[tuple[Id, StatusKind], ...]
    claims: tuple[Id, ...]
    moving: frozenset[StatusKind]


class BoardViewModel(QObject):
    """The Board's state. `state_changed` is its only signal; whoever shows it calls `tick` once a second."""

    state_changed = Signal()

    def __init__(self, port: DayPort) -> None:
        """Read the first state from `port` and follow its changes until `close`."""
        super().__init__()
        self._port = port
        self._zone: ZoneInfo = ZoneInfo("UTC")
        self._days = Days(self._zone, 0, ())
        self._day: date | None = None
        self._chosen: date | None = None
        self._entries: dict[Id, _Entry] = {}
        self._slot_of_claim: dict[Id, Id] = {}
        self._minute: datetime | None = None
        self.state = BoardState()
        self._read_all()
        self._unsubscribe = port.subscribe(self._port_changed)

    def close(self) -> None:
        """Stop following the engine."""
        self._unsubscribe()

    # ---- asked by the page

    def show_day(self, day: str) -> None:
        """Show another day, given as in `BoardState.days`."""
        self._chosen = date.fromisoformat(day)
        self._read_all()

    def step_day(self, step: int) -> None:
        """Show the next (+1) or previous (-1) day, if there is one."""
        keys = [choice.key for choice in self.state.days]
        if self.state.day in keys:
            at = keys.index(self.state.day) + step
            if 0 <= at < len(keys):
                self.show_day(keys[at])

    def stress(self, filter: Filter | None = None, event_id: Id | None = None, text: str | None = None) -> None:
        """Change one of the filters; the others stay."""
        old = self.state.stress
        wanted = Stress(
            old.filter if filter is None else filter,
            old.event_id if event_id is None else event_id,
            old.text if text is None else text,
        )
        self._set(stress=wanted, stressed=self._stressed(wanted))

    def tick(self) -> None:
        """Let time go by: running times each second, lateness each minute, another day at its hour."""
        now = self._port.now()
        minute = now.replace(second=0, microsecond=0)
        whole = minute != self._minute
        if whole and self._chosen is None and self._day is not None and self._days.nearest(now) != self._day:
            self._read_all()
            return
        wanted = _MOVING if whole else {StatusKind.ON_STAGE, StatusKind.HELD}
        self._read_slots(id for id, entry in self._entries.items() if entry.moving & wanted)
        if whole:
            self._minute = minute
        self._show()

    # ---- reading

    def _port_changed(self, ids: frozenset[Id]) -> None:
        touched: set[Id] = set()
        for id in ids:
            slots = self._slots_of_row(id)
            if slots is None:
                touched.clear()
                break
            touched |= slots
        else:
            if ids:
                self._read_slots(touched)
                self._show()
                return
        self._read_all()

    def _slots_of_row(self, id: Id) -> set[Id] | None:
        """The slots of this day that show something of the row *id*; None where everything has to be read anew."""
        state = self._port.state
        row = state.get(Attendance, id) or state.get(ReservationMember, id)
        claim = state.get(SlotReservation, row.reservation_id if row is not None else id)
        if claim is not None:
            found = {claim.slot_id, self._slot_of_claim.get(claim.id, claim.slot_id)}
            return found & self._entries.keys()
        slot = state.get(EventSlot, id)
        if slot is not None:
            entry = self._entries.get(id)
            if entry is None:
                return set() if slot.deleted or self._days.day_of(slot.start_time) != self._day else None
            return {id} if entry.card.minute == self._minute_of(slot.start_time) else None
        room = state.get(RoomDay, id)
        if room is not None:
            return {slot_id for slot_id, entry in self._entries.items() if entry.card.room_id == room.location_id}
        # A person, a room, an event changes many cards, and seldom; flags and devices change none.
        return set() if any(id in state.rows[record] for record in (Flag, Device, Staff)) else None

    def _read_all(self) -> None:
        state, now = self._port.state, self._port.now()
        self._entries, self._slot_of_claim = {}, {}
        programme = next((row for row in state.rows[Programme].values() if not row.deleted), None)
        if programme is None:
            self._set(phase=Phase.LOADING)
            return
        self._zone = ZoneInfo(programme.time_zone)
        slots = _live(state.rows[EventSlot].values())
        self._days = Days.of(slots, self._zone)
        if self._chosen not in self._days.dates:
            self._chosen = None
        self._day = self._chosen or self._days.nearest(now)
        self._minute = now.replace(second=0, microsecond=0)
        self._read_slots(slot.id for slot in slots if self._days.day_of(slot.start_time) == self._day)
        per_day = Counter(self._days.day_of(slot.start_time) for slot in slots)
        days = tuple(
            Choice(day.isoformat(), day_words(day), tr("{count} slots", count=count))
            for day, count in sorted(per_day.items())
        )
        self._show(
            phase=Phase.READY if slots else Phase.EMPTY,
            title=day_words(self._day),
            day=self._day.isoformat(),
            days=days,
            events=self._event_choices(),
        )

    def _read_slots(self, ids: Iterable[Id]) -> None:
        state, now = self._port.state, self._port.now()
        for id in list(ids):
            slot = state.get(EventSlot, id)
            if slot is None or slot.deleted or self._day is None:
                self._entries.pop(id, None)
                continue
            facts = slot_facts(state, slot, self._day, now, self._zone, self._port.is_pending)
            entry = self._entry(facts)
            self._entries[id] = entry
            self._slot_of_claim.update((claim, id) for claim in entry.claims)

    def _entry(self, facts: SlotFacts) -> _Entry:
        card = card_of(facts, self._minute_of(facts.slot.start_time), self._minute_of(facts.slot.end_time), self._zone)
        words = [card.title, card.event, card.details, *(f"{claim.name} {claim.details}" for claim in facts.claims)]
        people: list[tuple[Id, StatusKind]] = []
        for claim in facts.claims:
            people += [(person, claim.status.kind) for person in claim.people or (claim.claim.id,)]
        claims = tuple(claim.claim.id for claim in facts.claims)
        moving = frozenset(claim.status.kind for claim in facts.claims) & _MOVING
        return _Entry(card, folded(" ".join(words)), tuple(people), claims, moving)

    def _minute_of(self, moment: datetime) -> float:
        assert self._day is not None
        return (moment - self._days.begin(self._day)) / _MINUTE + self._days.changeover * 60

    def _event_choices(self) -> tuple[Choice, ...]:
        counts = Counter((entry.card.event_id, entry.card.event) for entry in self._entries.values())
        events = sorted(counts.items(), key=lambda item: folded(item[0][1]))
        return tuple(Choice(id, name, tr("{count} slots", count=count)) for (id, name), count in events)

    # ---- showing

    def _show(self, **more: object) -> None:
        now = self._port.now()
        more["clock"] = clock(now, self._zone)
        if self._day is None or not self._entries:
            self._set(rooms=(), subtitle="", now=None, **more)
            return
        cards = [entry.card for entry in self._entries.values()]
        first = int(min(card.minute for card in cards) // 60) * 60
        last = -int(-max(card.until for card in cards) // 60) * 60
        rooms = self._rooms()
        self._set(
            rooms=rooms,
            first=first,
            last=last,
            labels=self._labels(first, last),
            now=self._minute_of(now) if self._days.day_of(now) == self._day else None,
            late=sum(card.kind is StatusKind.LATE for card in cards),
            free=sum(card.kind is StatusKind.FREE for card in cards),
            subtitle=self._figures(len(rooms)),
            stressed=self._stressed(self.state.stress),
            **more,
        )

    def _labels(self, first: int, last: int) -> tuple[str, ...]:
        assert self._day is not None
        begin = self._days.begin(self._day).astimezone(UTC) - timedelta(hours=self._days.changeover)
        return tuple(clock(begin + at * _MINUTE, self._zone) for at in range(first, last + 1, QUARTER))

    def _rooms(self) -> tuple[BoardRoom, ...]:
        state, by_room = self._port.state, dict[Id, list[BoardCard]]()
        for entry in self._entries.values():
            by_room.setdefault(entry.card.room_id, []).append(entry.card)
        programme_id = next(iter(state.rows[Programme]))
        rows: dict[Id, Location] = {row.id: row for row in state.find(LOCATIONS, programme_id)}
        known = [rows[id] for id in by_room if id in rows]
        known.sort(key=lambda row: (row.position is None, row.position or 0, natural(row.name), row.id))
        columns = [self._room(row.id, row, by_room[row.id]) for row in known]
        columns += [self._room(id, None, by_room[id]) for id in sorted(by_room.keys() - rows.keys())]
        return tuple(columns)

    def _room(self, id: Id, row: Location | None, cards: list[BoardCard]) -> BoardRoom:
        assert self._day is not None
        room_day = self._port.state.get(RoomDay, room_day_id(id, self._day))
        minutes = room_day.delay_minutes if room_day is not None else 0
        delay = tr("on time")
        if minutes > 0:
            delay = tr("+{count} min", count=minutes)
        elif minutes < 0:
            delay = tr("ahead {count} min", count=-minutes)
        cards.sort(key=lambda card: (card.minute, -card.until, card.slot_id))
        return BoardRoom(
            id,
            row.name if row is not None else tr("A room not known yet"),
            place_words(row),
            delay,
            Tone.WARN if minutes > 0 else Tone.QUIET,
            self._next_call(cards, room_day),
            tuple(cards),
        )

    def _next_call(self, cards: list[BoardCard], room_day: RoomDay | None) -> str:
        """When whoever comes next is likely to be called: "next 09:53"; who was to be called before is called now."""
        now, state = self._port.now(), self._port.state
        delay = room_day.delay_minutes if room_day is not None else 0
        late = self._minute_of(now) - delay
        waiting = (StatusKind.EXPECTED, StatusKind.LATE, StatusKind.HERE)
        following = next((card for card in cards if card.kind in waiting and card.until > late), None)
        slot = state.get(EventSlot, following.slot_id) if following is not None else None
        if slot is None:
            return ""
        start = predicted_start(slot, room_day)
        return tr("next {time}", time=clock(start, self._zone)) if start > now else tr("next now")

    def _figures(self, rooms: int) -> str:
        kinds: dict[Id, set[StatusKind]] = {}
        for entry in self._entries.values():
            for person, kind in entry.people:
                kinds.setdefault(person, set()).add(kind)
        came = {StatusKind.HERE, StatusKind.ON_STAGE, StatusKind.DONE}
        here = sum(bool(found & came) for found in kinds.values())
        late = sum(StatusKind.LATE in found for found in kinds.values())
        missed = sum(StatusKind.NO_SHOW in found for found in kinds.values())
        parts = [tr("{count} rooms", count=rooms), tr("{count} people", count=len(kinds))]
        parts += [tr("{count} here", count=here)]
        parts += [tr("{count} late", count=late)] if late else []
        parts += [tr("{count} no-show", count=missed)] if missed else []
        return " · ".join(parts)

    def _stressed(self, stress: Stress) -> frozenset[Id] | None:
        if stress == Stress():
            return None
        kind = {Filter.LATE: StatusKind.LATE, Filter.FREE: StatusKind.FREE}.get(stress.filter)
        words = folded(stress.text).split()
        return frozenset(
            id
            for id, entry in self._entries.items()
            if (kind is None or entry.card.kind is kind)
            and (not stress.event_id or entry.card.event_id == stress.event_id)
            and all(word in entry.folded for word in words)
        )

    def _set(self, **changes: object) -> None:
        before = self.state
        self.state = replace(before, **changes)  # type: ignore[arg-type]  # the names are BoardState's own fields
        if self.state != before:
            self.state_changed.emit()


def _live(rows: Iterable[EventSlot]) -> list[EventSlot]:
    return [row for row in rows if not row.deleted]
