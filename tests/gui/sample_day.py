"""A small day in memory that says exactly what the design pictures say, behind the same ports as the engine."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from desktop.widgets.records import (
    AttentionCard,
    CardAction,
    CardButton,
    ClaimLine,
    CodeMatch,
    Connection,
    ConnectionState,
    DeskHeader,
    Fix,
    FixKind,
    Freshness,
    HintLine,
    MemberLine,
    OtherClaim,
    Outcome,
    PersonCard,
    PersonLine,
    RecentAction,
    SlotLine,
    Span,
    StatusKind,
    StatusWord,
    StripState,
    SyncProgress,
    Tone,
)

_SPACE = UUID("8f14e45f-ceea-467f-9a36-dedd4bea2543")


def sample_id(name: str) -> UUID:
    """Return the id that stands for `name` in every run."""
    return uuid5(_SPACE, name)


def fold(text: str) -> str:
    """Lower case without accents, letter for letter."""
    return "".join(unicodedata.normalize("NFD", letter)[0] for letter in text.casefold())


def find_matches(name: str, query: str) -> tuple[tuple[int, int], ...] | None:
    """Return where the words of `query` are in `name` (begin of words first), or None if one is nowhere."""
    folded = fold(name)
    found = []
    at = 0
    for part in fold(query).split():
        starts = [at for at in range(len(folded)) if folded.startswith(part, at)]
        if not starts:
            return None
        later = [start for start in starts if start >= at]
        start = min(later or starts, key=lambda s: (s > 0 and folded[s - 1].isalpha(), s))
        found.append((start, len(part)))
        at = start + len(part)
    return tuple(found)


@dataclass
class SamplePerson:
    """One person or group of the sample day, as the card shows them before anything happened."""

    name: str
    details: str
    ref: str
    claim: str
    time: str
    title: str
    place: str
    status: StatusWord
    hints: tuple[HintLine, ...] = ()
    also_today: tuple[OtherClaim, ...] = ()
    members: list[MemberLine] = field(default_factory=list)
    person_id: UUID = field(init=False)
    command: UUID | None = None
    right_here: bool = True

    def __post_init__(self) -> None:
        """Derive the id from the name."""
        self.person_id = sample_id(self.name)

    @property
    def reservation_id(self) -> UUID:
        """The id of the person's claim."""
        return sample_id("claim of " + self.name)


def expected() -> StatusWord:
    """The chip of somebody who has not come yet."""
    return StatusWord(StatusKind.EXPECTED, "Expected")


def sample_people() -> list[SamplePerson]:
    """Return the people of the pictures, and a choir whose members can be ticked."""
    early = HintLine(Tone.GOOD, "check", "In good time: 12 minutes early")
    late_room = HintLine(Tone.WARN, "timer", "Room A is running 8 min late: about 09:58")
    duet = OtherClaim(sample_id("duet"), "13:10 Duet with Jun Watanabe, Room C")
    names = ["Ada Lind", "Ben Osei", "Chloë Martin", "Dai Pham", "Eva Novák", "Finn Berg", "Gus Hale", "Hana Sato"]
    names += ["Ivo Petrov", "Jia Li", "Kofi Mensah", "Lena Vogel", "Margaret Low", "Noor Khan"]
    members = [MemberLine(sample_id(name), name, name != "Noor Khan") for name in names]
    return [
        SamplePerson(
            "María López-Ruiz",
            "Grade 7 · Lincoln Middle School",
            "RSV-7K3M9",
            "Piano solo · 09:50 · Room A",
            "09:50",
            "Piano solo, grade 7 · slot 4",
            "Room A — Gym 1, Main building, ground floor",
            expected(),
            (early, late_room),
            (duet,),
        ),
        SamplePerson(
            "Marco Lombardi",
            "Grade 9 · St Mary’s",
            "RSV-2F8QX",
            "Violin solo · 11:20 · Room C",
            "11:20",
            "Violin solo, grade 9 · slot 9",
            "Room C — Music 2, Main building",
            expected(),
            (HintLine(Tone.GOOD, "check", "Early: 1 h 42 min before the call"),),
        ),
        SamplePerson(
            "Margaret Low",
            "Grade 5 · Oak Hill",
            "RSV-9TB4C",
            "Choir of Oak Hill · 10:00 · Auditorium",
            "10:00",
            "Choir of Oak Hill · slot 1",
            "Auditorium — West wing",
            StatusWord(StatusKind.HERE, "Here 09:12"),
            (HintLine(Tone.GOOD, "check", "Checked in at 09:12 by Asha at Main hall desk"),),
            command=sample_id("ml"),
        ),
        SamplePerson(
            "Omar Love",
            "Grade 8 · Lincoln Middle School",
            "RSV-5HW2K",
            "Drums · 09:30 · Room D",
            "09:30",
            "Drums, grade 8 · slot 3",
            "Room D — Drum studio, East wing",
            StatusWord(StatusKind.LATE, "Late 8 min"),
            (HintLine(Tone.WARN, "late", "Late: Room D called him at 09:30"),),
        ),
        SamplePerson(
            "Choir of Oak Hill",
            "Oak Hill · 14 people",
            "RSV-6XN3D",
            "Choir · 10:00 · Auditorium",
            "10:00",
            "Choir of Oak Hill · slot 1",
            "Auditorium — West wing",
            StatusWord(StatusKind.HERE, "13 of 14 here"),
            (HintLine(Tone.PLAIN, "people", "13 of 14 here. Space ticks one, Enter takes all."),),
            members=members,
        ),
        SamplePerson(
            "Ruth Katz",
            "Grade 10 · Riverside",
            "RSV-8MP7Q",
            "Cello solo · Sunday 09:40 · Room B",
            "09:40",
            "Cello solo, grade 10 · Sunday 15 March",
            "Room B — Library, East wing",
            expected(),
            (
                HintLine(Tone.WARN, "calendar", "Not today: her call is on Sunday 15 March at 09:40, Room B."),
                HintLine(Tone.PLAIN, "info", "Move her to a slot today, or ask her to come back."),
            ),
            right_here=False,
        ),
    ]


def names_of_the_world() -> list[SamplePerson]:
    """Return people whose names are hard to lay out: very long, or in other scripts."""
    names = (
        (
            "Adolph Blaine Charles David Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh",
            "Saint Ignatius of Loyola",
        ),
        ("Nguyễn Thị Ánh Nguyệt", "Trường Quốc tế a"),
        ("李明 (Li Ming) a", "北京第四中学"),
        ("محمد عبد الرحمن a", "مدرسة النور"),
        ("สมชาย ใจดี a", "โรงเรียนเตรียมอุดม"),
        ("김민준 a", "서울예술고등학교"),
    )
    place = "Room A — Gym 1, Main building of the old conservatory, third floor, second door on the left"
    return [
        SamplePerson(
            name,
            school,
            "RSV-4D2KX",
            f"Piano solo · 09:50 · {place}",
            "09:50",
            f"Piano solo · {name}",
            place,
            expected(),
        )
        for name, school in names
    ]


class SampleDesk:
    """A `DeskPort` over the sample people. Actions change it in memory; `log` holds what was asked, for the tests."""

    def __init__(self, offline: bool = False, people: list[SamplePerson] | None = None, quiet: bool = False) -> None:
        """Make the day; `offline` as in the dark picture, `quiet` without a history."""
        self.offline = offline
        self.people = {p.person_id: p for p in (sample_people() if people is None else people)}
        self.log: list[tuple[str, object]] = []
        self.loading = ""
        self.refuse_next: Outcome | None = None
        self._listeners: list[Callable[[frozenset[UUID]], None]] = []
        self._recent = [] if quiet else self._first_actions()
        self._undone: dict[UUID, tuple[UUID, StatusWord]] = {}
        self._here = 34
        if offline:
            maria = self.people.get(sample_id("María López-Ruiz"))
            if maria is not None:
                late = HintLine(Tone.WARN, "timer", "Room A is running 8 min late: about 09:58 (as of 7 min ago)")
                maria.hints = (maria.hints[0], late)

    def _first_actions(self) -> list[RecentAction]:
        pending = self.offline
        return [
            RecentAction(sample_id("aoife"), StatusWord(StatusKind.HERE, "Aoife Byrne 09:37", pending)),
            RecentAction(
                sample_id("choir"), StatusWord(StatusKind.HERE, "Choir of Oak Hill, 13 of 14 · 09:36", pending)
            ),
            RecentAction(sample_id("liam"), StatusWord(StatusKind.NO_SHOW, "Liam Chen")),
        ]

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Follow changes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def header(self) -> DeskHeader:
        """As in the pictures."""
        return DeskHeader("Main hall desk", "Saturday 14 March", self._here, 212, "09:38", self.loading)

    def search(self, text: str, limit: int) -> list[PersonLine]:
        """Every word must be somewhere in the name."""
        found = []
        for person in self.people.values():
            matches = find_matches(person.name, text)
            if matches is not None:
                line = PersonLine(person.person_id, person.name, person.details, person.claim, person.status, matches)
                found.append(line)
        return found[:limit]

    def card(self, person_id: UUID, reservation_id: UUID | None = None) -> PersonCard | None:
        """The card as the picture shows it."""
        person = self.people.get(person_id)
        if person is None:
            return None
        claim = ClaimLine(person.reservation_id, person.time, person.title, person.place) if person.time else None
        return PersonCard(
            person.person_id,
            person.name,
            f"{person.details} · {person.ref}",
            person.status,
            claim,
            person.hints,
            self._buttons(person),
            tuple(person.members),
            person.also_today,
            person.command,
            scan_acts=person.right_here and person.status.kind in (StatusKind.EXPECTED, StatusKind.LATE),
            code=f"CB{person.ref}",
        )

    def _buttons(self, person: SamplePerson) -> tuple[CardButton, ...]:
        rest = (CardButton(CardAction.NO_SHOW), CardButton(CardAction.PRINT))
        if not person.time:
            return CardButton(CardAction.RESERVE), CardButton(CardAction.PRINT)
        if person.members:
            missing = sum(1 for member in person.members if not member.here)
            words = f"Check in {missing} more" if missing else "All here"
            first = CardButton(CardAction.CHECK_IN, words, bool(missing))
            return first, CardButton(CardAction.MOVE), CardButton(CardAction.PRINT)
        if person.status.kind is StatusKind.HERE:
            return (
                CardButton(CardAction.UNDO, "Undo check-in"),
                CardButton(CardAction.MOVE),
                CardButton(CardAction.PRINT),
            )
        if not person.right_here:
            return (
                CardButton(CardAction.MOVE, "Move to today…"),
                CardButton(CardAction.CHECK_IN, "Check in anyway"),
                *rest,
            )
        return CardButton(CardAction.CHECK_IN), CardButton(CardAction.MOVE), *rest

    def find_code(self, text: str) -> CodeMatch | None:
        """CB and a reservation's ref, in any case."""
        code = text.strip().upper()
        if not code.startswith("CB") or len(code) < 6:
            return None
        for person in self.people.values():
            if code.removeprefix("CB") == person.ref:
                return CodeMatch(person.person_id, person.reservation_id)
        return CodeMatch(None, words="This code is not from this programme.")

    def remember(self, action: RecentAction) -> None:
        """Have `action` as the newest."""
        self._recent.insert(0, action)

    def recent(self, limit: int) -> list[RecentAction]:
        """Newest first."""
        return self._recent[:limit]

    def free_slots(self, person_id: UUID | None, reservation_id: UUID | None) -> list[SlotLine]:
        """Four slots, one of them full."""
        return [
            SlotLine(
                sample_id("D1030"),
                "10:30",
                "Drums, grade 8 · slot 7",
                "Room D — Drum studio",
                "1 place free",
                Tone.GOOD,
            ),
            SlotLine(
                sample_id("B1040"), "10:40", "Piano solo · slot 6", "Room B — Library", "full", Tone.BAD, enabled=False
            ),
            SlotLine(
                sample_id("B1140"), "11:40", "Piano solo · slot 9", "Room B — Library", "2 places free", Tone.GOOD
            ),
            SlotLine(
                sample_id("C1310"),
                "13:10",
                "Duet · slot 2",
                "Room C — Music 2",
                "clashes with Duet",
                Tone.WARN,
                enabled=False,
            ),
        ]

    async def check_in(self, reservation_id: UUID, members: tuple[UUID, ...] | None = None) -> Outcome:
        """Everybody of the claim, or some members, are here."""
        return self._act("check_in", (reservation_id, members), self._arrive, reservation_id, members)

    async def no_show(self, reservation_id: UUID) -> Outcome:
        """They did not come."""
        status = StatusWord(StatusKind.NO_SHOW, "No-show", True)
        return self._act("no_show", reservation_id, self._mark, reservation_id, status, "{name}: no-show", "{name}")

    async def undo(self, command_id: UUID) -> Outcome:
        """Back to what was before."""
        return self._act("undo", command_id, self._undo, command_id)

    async def undo_member(self, reservation_id: UUID, person_id: UUID) -> Outcome:
        """One member is not here after all."""
        return self._act("undo_member", (reservation_id, person_id), self._tick, reservation_id, (person_id,), False)

    async def move(self, reservation_id: UUID, slot_id: UUID) -> Outcome:
        """Recorded only."""
        return self._act("move", (reservation_id, slot_id), lambda: Outcome(True, "Moved", Tone.GOOD, "Proposed."))

    async def reserve(self, person_id: UUID, slot_id: UUID) -> Outcome:
        """Recorded only."""
        return self._act("reserve", (person_id, slot_id), lambda: Outcome(True, "Reserved"))

    async def walk_in(self, name: str, slot_id: UUID) -> Outcome:
        """Recorded only."""
        return self._act("walk_in", (name, slot_id), lambda: Outcome(True, f"{name} is here"))

    def _act(self, kind: str, what: object, action: Callable[..., Outcome], *arguments: object) -> Outcome:
        self.log.append((kind, what))
        if self.refuse_next is not None:
            outcome, self.refuse_next = self.refuse_next, None
            return outcome
        outcome = action(*arguments)
        self.tell()
        return outcome

    def tell(self) -> None:
        """Say that something changed, as the engine does after a pull."""
        for listener in list(self._listeners):
            listener(frozenset())

    def _of(self, reservation_id: UUID) -> SamplePerson:
        return next(p for p in self.people.values() if p.reservation_id == reservation_id)

    def _arrive(self, reservation_id: UUID, members: tuple[UUID, ...] | None) -> Outcome:
        person = self._of(reservation_id)
        if person.members:
            return self._tick(reservation_id, members or tuple(m.person_id for m in person.members), True)
        status = StatusWord(StatusKind.HERE, "Here 09:38", True)
        outcome = self._mark(reservation_id, status, "{name} is here", "{name} 09:38")
        self._here += 1
        return replace(outcome, detail=person.place)

    def _tick(self, reservation_id: UUID, ids: tuple[UUID, ...], here: bool) -> Outcome:
        person = self._of(reservation_id)
        person.members = [replace(m, here=here if m.person_id in ids else m.here) for m in person.members]
        count = sum(1 for member in person.members if member.here)
        words = f"{count} of {len(person.members)} here"
        return self._mark(
            reservation_id, StatusWord(StatusKind.HERE, words, True), "{name}: " + words, "{name}, " + words
        )

    def _mark(self, reservation_id: UUID, status: StatusWord, said: str, chip: str) -> Outcome:
        person = self._of(reservation_id)
        command = sample_id(f"command {len(self.log)}")
        self._undone[command] = (person.person_id, person.status)
        person.status, person.command = status, command
        self._recent.insert(0, RecentAction(command, replace(status, words=chip.format(name=person.name))))
        return Outcome(True, said.format(name=person.name), Tone.GOOD, command_id=command)

    def _undo(self, command_id: UUID) -> Outcome:
        self._recent = [action for action in self._recent if action.command_id != command_id]
        entry = self._undone.pop(command_id, None)
        if entry is None:
            return Outcome(True, "Undone")
        person = self.people[entry[0]]
        person.status, person.command = entry[1], None
        return Outcome(True, f"Undone: {person.name} is expected again")


def sample_strip(offline: bool = False) -> StripState:
    """The status strip of the pictures."""
    if offline:
        connection = Connection(ConnectionState.OFFLINE, since="09:31")
        fresh = Freshness("7 min", live=False, unseen="Desk 2 unseen for 7 min")
        return StripState(connection, fresh, 5, "clock 2 s behind")
    return StripState(Connection(ConnectionState.ONLINE, desks=4), Freshness("2 s"), who="Asha", desk="Main hall desk")


class SampleAttention:
    """An `AttentionPort` with the cards of the picture; settling one takes it off the list."""

    def __init__(self, empty: bool = False) -> None:
        """Make the list."""
        self._cards = [] if empty else attention_cards()
        self.log: list[tuple[UUID, str, str]] = []
        self._listeners: list[Callable[[frozenset[UUID]], None]] = []

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Follow changes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def header(self) -> DeskHeader:
        """Seven minutes after the desk's pictures."""
        return DeskHeader("Main hall desk", "Saturday 14 March", 34, 212, "09:45")

    def cards(self) -> list[AttentionCard]:
        """What waits."""
        return list(self._cards)

    async def settle(self, card_id: UUID, fix_id: str, reason: str = "") -> Outcome:
        """Take the card off the list."""
        self.log.append((card_id, fix_id, reason))
        self._cards = [card for card in self._cards if card.card_id != card_id]
        for listener in list(self._listeners):
            listener(frozenset({card_id}))
        return Outcome(True, "Settled")


def attention_cards() -> list[AttentionCard]:
    """Return a refused move, a double check-in, and what waits for the network."""
    refused = (
        Span("You proposed it at "),
        Span("09:41", strong=True),
        Span(", offline. Ivy Moreau took the last place at "),
        Span("09:43", strong=True),
        Span(" from Desk 2 (Asha). Omar still holds "),
        Span("Room D, 09:30", strong=True),
        Span(", and is 15 min late."),
    )
    twice = (
        Span("Desk 2 at "),
        Span("09:26", strong=True),
        Span(", this desk at "),
        Span("09:29", strong=True),
        Span(" while offline. The earlier arrival stands. Nothing to do."),
    )
    waiting = (
        Span("Move Tariq Aziz to Room A 10:30", pending=True),
        Span(" · "),
        Span("Walk-in Dina Petrova, Room D 10:15", pending=True),
        Span(" · "),
        Span("Cancel Finn Berg", pending=True),
    )
    return [
        AttentionCard(
            sample_id("omar refused"),
            Tone.BAD,
            "calendar_refused",
            "Omar Love could not move to Room B, 10:40",
            (refused,),
            (
                Fix("D1030", "Room D, 10:30 · free", FixKind.PRIMARY, "move"),
                Fix("B1140", "Room B, 11:40 · free"),
                Fix("waitlist", "Waitlist · first in line"),
                Fix("override", "Override with a reason…", FixKind.DANGER, needs_reason=True),
                Fix("accept", "Leave as it is", FixKind.QUIET),
            ),
        ),
        AttentionCard(
            sample_id("trio twice"),
            Tone.WARN,
            "people",
            "Trio Alba was checked in twice, and that is fine",
            (twice,),
            (Fix("seen", "Seen", icon="check"),),
        ),
        AttentionCard(
            sample_id("waiting"),
            Tone.QUIET,
            "hourglass",
            "3 proposals wait for the network",
            (waiting, (Span("One is likely to be refused: Room A 10:30 was free 7 min ago."),)),
            waiting=True,
        ),
    ]


class SampleEnrol:
    """An `EnrolPort`: the code 7K3M9QAB is right, others are refused. Steps wait until `go_on` is set."""

    def __init__(self) -> None:
        """Nothing has been asked yet."""
        self.log: list[tuple[str, str]] = []
        self.go_on = asyncio.Event()

    async def enrol(self, code: str, server: str, progress: Callable[[SyncProgress], None]) -> Outcome:
        """Refuse, or sync in two steps."""
        self.log.append((code, server))
        if "7K3M9QAB" not in code:
            return Outcome(
                False,
                "This code is not known.",
                Tone.BAD,
                "It works once, for 15 minutes. Ask the organiser for a new one.",
            )
        progress(SyncProgress(412, 1486, "people"))
        await self.go_on.wait()
        progress(SyncProgress(1486, 1486, "slots"))
        return Outcome(True, "Ready")

    async def practise(self, progress: Callable[[SyncProgress], None]) -> Outcome:
        """Open at once."""
        self.log.append(("practice", ""))
        progress(SyncProgress(10, 10, "people"))
        return Outcome(True, "Ready")
