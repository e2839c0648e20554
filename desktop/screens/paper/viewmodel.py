"""From the rows of a day to a list in words: room lists by time, or everybody by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta, tzinfo
from zoneinfo import ZoneInfo

from desktop.day.claims import day_words
from desktop.day.days import Days
from desktop.day.ports import PrintPort
from desktop.day.slots import ClaimFacts, SlotFacts, place_words, slot_facts
from desktop.day.status import clock, minutes, party
from desktop.qt.i18n import tr
from desktop.screens.paper.records import Column, Kind, PaperDocument, PaperRow, PaperSection
from desktop.widgets.records import StatusKind
from server_sync.protocol.ids import Id, scan_code
from server_sync.protocol.records import EventSlot, Location, Participant, Programme

CameAt = Callable[[ClaimFacts, Id | None], str]

_CAME = frozenset({StatusKind.HERE, StatusKind.ON_STAGE, StatusKind.DONE})
_LIVE = timedelta(seconds=30)

_ROOM_COLUMNS = (
    ("Time", 9, True), ("Name", 38, True), ("Event", 27, False), ("Code", 17, False), ("Came at", 11, False),
)  # fmt: skip
_PEOPLE_COLUMNS = (
    ("Name", 32, True), ("Time", 9, True), ("Where", 16, False), ("Event", 20, False), ("Code", 15, False),
    ("Came at", 10, False),
)  # fmt: skip


class PaperViewModel:
    """The lists of one programme. Everything is read from `port` when it is asked for."""

    def __init__(self, port: PrintPort) -> None:
        """Read from `port`."""
        self._port = port

    def days(self) -> list[tuple[str, str]]:
        """The days that can be printed, in order: (key, words)."""
        return [(day.isoformat(), day_words(day)) for day in self._days().dates]

    def today(self) -> str:
        """The key of the day to begin with."""
        return self._days().nearest(self._port.now()).isoformat()

    def document(self, kind: Kind, day: str) -> PaperDocument:
        """The list of a day, as it is now."""
        on = date.fromisoformat(day)
        facts = self._facts(on)
        sections = tuple(_by_room(facts, self._zone(), self._came_at) if kind is Kind.ROOMS else self._by_name(facts))
        programme = self._programme()
        head = tr("Room lists by time") if kind is Kind.ROOMS else tr("Everybody by name")
        columns = _ROOM_COLUMNS if kind is Kind.ROOMS else _PEOPLE_COLUMNS
        return PaperDocument(
            kind,
            programme.name if programme is not None else "",
            f"{head} · {day_words(on)}",
            self._freshness(),
            tr("To key in later: the code, Enter, with the time written beside it. Callboard"),
            tuple(Column(tr(words), share, bold) for words, share, bold in columns),
            1 if kind is Kind.ROOMS else 0,
            sections,
            tr("Nobody has a slot on this day."),
        )

    # ---- reading

    def _programme(self) -> Programme | None:
        rows: Iterable[Programme] = self._port.state.rows[Programme].values()
        return next((row for row in rows if not row.deleted), None)

    def _zone(self) -> ZoneInfo:
        programme = self._programme()
        return ZoneInfo(programme.time_zone if programme is not None else "UTC")

    def _slots(self) -> list[EventSlot]:
        rows: Iterable[EventSlot] = self._port.state.rows[EventSlot].values()
        return [row for row in rows if not row.deleted]

    def _days(self) -> Days:
        return Days.of(self._slots(), self._zone())

    def _facts(self, on: date) -> list[SlotFacts]:
        """The slots of the day, by time."""
        port, days = self._port, self._days()
        chosen = [slot for slot in self._slots() if days.day_of(slot.start_time) == on]
        chosen.sort(key=lambda slot: (slot.start_time, slot.end_time, slot.id))
        return [slot_facts(port.state, slot, on, port.now(), days.zone, port.is_pending) for slot in chosen]

    def _freshness(self) -> tuple[str, ...]:
        """When it was printed, how old it is, and what of this desk the server has not seen."""
        now, fresh, unsent = self._port.now(), self._port.fresh_at(), self._port.unsent()
        zone = self._zone()
        printed = tr("Printed {day}, {time}", day=day_words(now.astimezone(zone).date()), time=clock(now, zone))
        if fresh is None:
            age = tr("This desk has never been in step with the server")
        elif now - fresh < _LIVE:
            age = tr("Up to date when printed")
        else:
            age = tr("As of {time}, {age} before printing", time=clock(fresh, zone), age=minutes(now - fresh))
        sent = tr("{count} actions of this desk not sent yet", count=unsent) if unsent else tr("Everything sent")
        return printed, age, sent

    def _by_name(self, facts: list[SlotFacts]) -> Iterator[PaperSection]:
        """Everybody with a place that day, a section for each first letter; two of one name stay two."""
        found: dict[tuple[str, Id], list[tuple[str, SlotFacts, ClaimFacts]]] = {}
        for slot in facts:
            for claim in slot.claims:
                for id, name, details in self._people(claim):
                    found.setdefault((name, id), []).append((details, slot, claim))
        letters: dict[str, list[PaperRow]] = {}
        for name, id in sorted(found, key=lambda key: (_sort_key(key[0]), key[1])):
            rows = letters.setdefault(_letter(name), [])
            said = ""
            for details, slot, claim in found[name, id]:
                fresh, said = ("" if details == said else details), details
                came = self._came_at(claim, id)
                ticked = bool(came) or (claim.status.kind in _CAME and len(claim.people) < 2)
                rows.append(_person_row(name, fresh, slot, claim, self._zone(), ticked, came))
        for letter, rows in letters.items():
            yield PaperSection(letter, tr("{count} entries", count=len(rows)), tuple(rows))

    def _came_at(self, claim: ClaimFacts, person: Id | None) -> str:
        """When somebody came, "" to be written in by hand: one of a party, or (None) whoever is in a claim alone."""
        members = party(self._port.state, claim.claim)
        if person not in members:
            person = next(iter(members)) if len(members) == 1 else None
        stands = members.get(person)
        return clock(stands.arrived.occurred_at, self._zone()) if stands is not None and stands.arrived else ""

    def _people(self, claim: ClaimFacts) -> Iterator[tuple[Id, str, str]]:
        """Whom a claim is looked up by: each member, and the group itself. (id, name, details)."""
        if len(claim.people) < 2:
            yield claim.people[0] if claim.people else claim.claim.id, claim.name, claim.details
            return
        yield claim.claim.group_id or claim.claim.id, claim.name, claim.status.words
        for id in claim.people:
            row = self._port.state.get(Participant, id)
            if row is not None:
                yield id, row.display_name, claim.name


def _by_room(facts: list[SlotFacts], zone: tzinfo, came_at: CameAt) -> Iterator[PaperSection]:
    """A section for each room, its slots by time."""
    rooms: dict[Id, Location | None] = {}
    slots: dict[Id, list[SlotFacts]] = {}
    for slot in facts:
        rooms.setdefault(slot.slot.location_id, slot.room)
        slots.setdefault(slot.slot.location_id, []).append(slot)

    def order(id: Id) -> tuple[object, ...]:
        row = rooms[id]
        return (True, 0, "", id) if row is None else (False, row.position or 0, row.name, id)

    for id in sorted(rooms, key=order):
        room = rooms[id]
        name = room.name if room is not None else tr("A room not known yet")
        title = " — ".join(part for part in (name, place_words(room)) if part)
        expected = sum(claim.status.total for slot in slots[id] for claim in slot.claims)
        rows = tuple(row for slot in slots[id] for row in _slot_rows(slot, zone, came_at))
        yield PaperSection(title, tr("{count} people", count=expected), rows)


def _slot_rows(facts: SlotFacts, zone: tzinfo, came_at: CameAt) -> Iterator[PaperRow]:
    """A slot's claims, then a line to write on where it has places, or the reason why nobody is in it."""
    time = clock(facts.slot.start_time, zone)
    event = facts.event.name if facts.event is not None else ""
    for at, claim in enumerate(facts.claims):
        awaited = claim.status.kind in (StatusKind.EXPECTED, StatusKind.LATE)
        status = claim.status.words if not awaited else claim.status.short if claim.status.total > 1 else ""
        if claim.status.total == 1 and claim.status.kind is StatusKind.HERE:
            status = ""  # the last column says it
        small = " · ".join(part for part in (claim.details, status) if part)
        cells = (time if at == 0 else "", claim.name, event, claim.claim.ref or tr("new"), came_at(claim, None))
        yield PaperRow(cells, claim.status.kind in _CAME, small, _code(claim))
    if facts.openness != "open":
        reason = facts.reason or (tr("Closed") if facts.openness == "closed" else tr("Cancelled"))
        if not facts.claims:
            yield PaperRow((time, reason, event, "", ""), None, quiet=True)
    elif facts.places:
        free = tr("free") if facts.places == 1 else tr("{count} free", count=facts.places)
        yield PaperRow(("" if facts.claims else time, free, event, "", ""), False, quiet=True, blank=True)


def _person_row(
    name: str, details: str, facts: SlotFacts, claim: ClaimFacts, zone: tzinfo, ticked: bool, came_at: str
) -> PaperRow:
    """One claim of somebody; each has the name, lest the next page begin with nobody's."""
    event = facts.event.name if facts.event is not None else ""
    room = facts.room.name if facts.room is not None else ""
    cells = (name, clock(facts.slot.start_time, zone), room, event, claim.claim.ref or tr("new"), came_at)
    return PaperRow(cells, ticked, details, _code(claim))


def _code(claim: ClaimFacts) -> str:
    return scan_code(claim.claim.ref) if claim.claim.ref else ""


def _sort_key(name: str) -> tuple[str, str]:
    """By letters without their accents, so that Ö stands with O."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter)), name


def _letter(name: str) -> str:
    """The letter that a name is listed under."""
    return next((letter.upper() for letter in _sort_key(name)[0] if letter.isalpha()), "#")
