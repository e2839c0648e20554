"""What the Desk asks and does: implements ``DeskPort`` over the day and the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from desktop.day.cards import missing_members, person_card, person_line
from desktop.day.claims import day_words, meant_by, name_of, subject_of, when
from desktop.day.day import Day
from desktop.day.open_slots import OpenSlot, Request, open_slots
from desktop.day.recent import recent_actions
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.refusals import StoreRefusal
from desktop.widgets.records import (
    CodeMatch,
    DeskHeader,
    Outcome,
    PersonCard,
    PersonLine,
    RecentAction,
    SlotLine,
    Tone,
)
from server_sync.protocol.errors import ALREADY_RESERVED, DOUBLE_BOOKED
from server_sync.protocol.ids import Id, read_ref
from server_sync.protocol.records import (
    Event,
    EventSlot,
    Group,
    Location,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules import attend, move, reserve, undo
from server_sync.rules.attendance import that_stand
from server_sync.rules.state import FACTS, FACTS_OF_COMMAND, MEMBERS

MOST_SLOTS = 200


class DeskService:
    """``as_of`` words how old what is shown is ("As of 3 min ago"), "" while it is live.

    ``loading`` words how far the copy of the programme has come, "" once it is whole.
    """

    def __init__(
        self, day: Day, store: Store, as_of: Callable[[], str], loading: Callable[[], str] = lambda: ""
    ) -> None:
        self._day = day
        self._store = store
        self._as_of = as_of
        self._loading = loading

    # ----------------------------------------------------------------- reading

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """As ``DeskPort.subscribe``."""
        return self._day.follow(lambda ids: listener(frozenset(UUID(id) for id in ids)))

    def header(self) -> DeskHeader:
        """As ``DeskPort.header``."""
        day, here = self._day, self._day.here_today()
        return DeskHeader(
            day.identity.name, day_words(day.current), here.here, here.total, clock(day.now(), day.zone),
            self._loading(), "" if day.is_on else day_words(day.today),
        )  # fmt: skip

    def search(self, text: str, limit: int) -> list[PersonLine]:
        """As ``DeskPort.search``."""
        return [person_line(self._day, found) for found in self._day.search(text, limit)]

    def card(self, person_id: UUID, reservation_id: UUID | None = None) -> PersonCard | None:
        """As ``DeskPort.card``."""
        claim_id = None if reservation_id is None else str(reservation_id)
        return person_card(self._day, str(person_id), claim_id, self._as_of())

    def find_code(self, text: str) -> CodeMatch | None:
        """As ``DeskPort.find_code``: a scanned ``CB…`` or a ref typed by hand."""
        ref = read_ref(text)
        if ref is None:
            return _misread(text)
        key = self._day.by_ref(ref)
        if key is None and self._loading():
            return CodeMatch(None, words=tr("The day is still being fetched: {ref} may be in it.", ref=ref))
        if key is None:
            return CodeMatch(None, words=tr("{ref} is not in this programme.", ref=ref))
        record, id = key
        if record in (Participant, Group):
            return CodeMatch(UUID(id))
        claim = self._day.state.get(SlotReservation, id) if record is SlotReservation else None
        if claim is None:
            return CodeMatch(None, words=tr("{ref} is neither a person nor a reservation.", ref=ref))
        return CodeMatch(UUID(subject_of(self._day, claim)), UUID(claim.id))

    def recent(self, limit: int) -> list[RecentAction]:
        """As ``DeskPort.recent``."""
        return recent_actions(self._day, limit)

    def free_slots(self, person_id: UUID | None, reservation_id: UUID | None) -> list[SlotLine]:
        """As ``DeskPort.free_slots``."""
        programme = self._day.identity.programme
        meant = None if reservation_id is None else meant_by(self._day, str(reservation_id))
        subject = None if person_id is None else self._day.subject(str(person_id))
        if meant is not None:
            request = Request(programme, claim_id=meant[0].id)
        elif isinstance(subject, Participant):
            request = Request(programme, participant_id=subject.id)
        elif isinstance(subject, Group):
            request = Request(programme, group_id=subject.id)
        else:
            request = Request(programme)
        found = open_slots(self._day.state, self._day.now(), request)
        return [self._slot_line(entry) for entry in found[:MOST_SLOTS]]

    def _slot_line(self, entry: OpenSlot) -> SlotLine:
        day, slot = self._day, entry.slot
        event, room = day.state.get(Event, slot.event_id), day.state.get(Location, slot.location_id)
        title = tr("{event} · slot {number}", event="" if event is None else event.name, number=slot.slot_number)
        note, tone = tr("{places} free", places=entry.places), Tone.GOOD
        if entry.refusal is not None:
            clashes = entry.refusal.code in (DOUBLE_BOOKED, ALREADY_RESERVED)
            note, tone = (tr("clashes"), Tone.WARN) if clashes else (tr("full"), Tone.BAD)
        return SlotLine(
            UUID(slot.id), when(day, slot.start_time), title, "" if room is None else room.name, note, tone,
            entry.refusal is None,
        )  # fmt: skip

    # ------------------------------------------------------------------- doing

    async def check_in(self, reservation_id: UUID, members: tuple[UUID, ...] | None = None) -> Outcome:
        """As ``DeskPort.check_in``."""
        return await self._fact("attendance.arrive", str(reservation_id), members)

    async def no_show(self, reservation_id: UUID) -> Outcome:
        """As ``DeskPort.no_show``."""
        return await self._fact("attendance.no_show", str(reservation_id), None)

    async def undo(self, command_id: UUID) -> Outcome:
        """As ``DeskPort.undo``."""
        id = str(command_id)
        facts = self._day.state.find(FACTS_OF_COMMAND, id)
        claim = self._day.state.get(SlotReservation, facts[0].reservation_id) if facts else None
        words = tr("Undone") if claim is None else tr("Undone: {name}", name=name_of(self._day, claim))
        depends = (id,) if self._is_queued(id) else ()
        return await self._ask(Wish("attendance.undo", undo.Args(command_id=id), depends_on=depends), words, Tone.NOTE)

    async def undo_member(self, reservation_id: UUID, person_id: UUID) -> Outcome:
        """As ``DeskPort.undo_member``. What the same command said of others is said again, as of when it happened."""
        meant, person = meant_by(self._day, str(reservation_id)), str(person_id)
        facts = [] if meant is None else that_stand(self._day.state.find(FACTS, meant[0].id))
        last = next((fact for fact in reversed(facts) if fact.participant_id == person), None)
        if meant is None or last is None:
            return Outcome(False, tr("There is nothing to undo for them."), Tone.WARN)
        others = [
            fact.participant_id
            for fact in facts
            if fact.command_id == last.command_id and fact.participant_id not in (None, person)
        ]
        claim, id = meant[0], last.command_id
        depends = (id,) if self._is_queued(id) else ()
        wishes = [Wish("attendance.undo", undo.Args(command_id=id), depends_on=depends)]
        if others:
            again = attend.Args(reservation_id=claim.id, participant_ids=[other for other in others if other])
            seen = {f"slot_reservations/{claim.id}": claim.placement_version}
            kind, made_here = f"attendance.{_VERBS[last.kind]}", self._made_here(claim.id)
            wishes.append(Wish(kind, again, seen, made_here, occurred_at=last.occurred_at))
        done = await self._store.submit_all(wishes)  # never the one without the other
        if isinstance(done, StoreRefusal):
            return Outcome(False, done.words, Tone.BAD)
        return self._outcome(done[0], tr("Undone: {name}", name=name_of(self._day, claim)), Tone.NOTE, None)

    async def move(self, reservation_id: UUID, slot_id: UUID) -> Outcome:
        """As ``DeskPort.move``. Carries the placement that was seen, so that somebody else's move is noticed."""
        meant = meant_by(self._day, str(reservation_id))
        if meant is None:
            return _gone()
        claim = meant[0]
        seen = {f"slot_reservations/{claim.id}": claim.placement_version}
        args = move.Args(reservation_id=claim.id, slot_id=str(slot_id))
        wish = Wish("reservation.move", args, seen, self._made_here(claim.id))
        return await self._ask(wish, tr("{name} moves", name=name_of(self._day, claim)), Tone.GOOD, str(slot_id))

    async def reserve(self, person_id: UUID, slot_id: UUID) -> Outcome:
        """As ``DeskPort.reserve``."""
        subject = self._day.subject(str(person_id))
        if isinstance(subject, Participant):
            args, name = reserve.Args(slot_id=str(slot_id), participant_ids=[subject.id]), subject.display_name
        elif isinstance(subject, Group):
            args, name = reserve.Args(slot_id=str(slot_id), group_id=subject.id), subject.name
        elif subject is not None:
            name = subject.reserved_name or ""
            args = reserve.Args(slot_id=str(slot_id), reserved_name=name)
        else:
            return _gone()
        words = tr("{name} has a place", name=name)
        return await self._ask(Wish("reservation.reserve", args), words, Tone.GOOD, str(slot_id))

    async def walk_in(self, name: str, slot_id: UUID) -> Outcome:
        """As ``DeskPort.walk_in``: the arrival depends on the place, but happened in any case."""
        args = reserve.Args(slot_id=str(slot_id), reserved_name=name)
        placed = await self._ask(
            Wish("reservation.reserve", args), tr("{name} has a place", name=name), Tone.GOOD, str(slot_id)
        )
        if not placed.ok or placed.command_id is None:
            return placed
        claim_id = str(placed.command_id)
        here = Wish("attendance.arrive", attend.Args(reservation_id=claim_id), depends_on=(claim_id,))
        arrived = await self._ask(here, tr("{name} is here", name=name), Tone.GOOD, str(slot_id))
        return arrived if arrived.ok and placed.tone is Tone.GOOD else placed if arrived.ok else arrived

    # ------------------------------------------------------------------ within

    async def _fact(self, kind: str, id: Id, members: Iterable[UUID] | None) -> Outcome:
        """Say a fact of a claim, of one member of it, or of those named."""
        meant = meant_by(self._day, id)
        if meant is None:
            return _gone()
        claim, member = meant
        people = self._whose(kind, claim, member, members)
        if people is None:
            return Outcome(False, tr("All of {name} are here.", name=name_of(self._day, claim)), Tone.WARN)
        seen = {f"slot_reservations/{claim.id}": claim.placement_version}
        wish = Wish(kind, attend.Args(reservation_id=claim.id, participant_ids=people), seen, self._made_here(claim.id))
        name = name_of(self._day, claim, member)
        no_show = tr("{name}: no-show", name=name)
        if people and member is None:
            no_show = tr("{name}: {count} no-show", name=name, count=len(people))
        words = {
            "attendance.arrive": tr("{name} is here", name=name),
            "attendance.perform": tr("{name} has performed", name=name),
            "attendance.no_show": no_show,
        }[kind]
        return await self._ask(wish, words, Tone.WARN if kind == "attendance.no_show" else Tone.GOOD, claim.slot_id)

    def _whose(
        self, kind: str, claim: SlotReservation, member: ReservationMember | None, members: Iterable[UUID] | None
    ) -> list[Id] | None:
        """The members to name: none where it is the whole claim. A no-show is only whoever is missing; None: nobody."""
        if members is not None:
            return [str(person) for person in members]
        if member is not None:
            return [member.participant_id]
        missing = missing_members(self._day, claim)
        everybody = [row.participant_id for row in self._day.state.find(MEMBERS, claim.id)]
        if kind == "attendance.no_show" and everybody and not missing:
            return None
        return missing if kind != "attendance.perform" and missing != everybody else []

    async def _ask(self, wish: Wish, words: str, tone: Tone, slot_id: Id | None = None) -> Outcome:
        """Submit *wish*; the outcome is what is on this desk's disk, and says if a refusal is to be expected."""
        done = await self._store.submit(wish)
        if isinstance(done, StoreRefusal):
            return Outcome(False, done.words, Tone.BAD)
        return self._outcome(done, words, tone, slot_id)

    def _outcome(self, done: Submitted, words: str, tone: Tone, slot_id: Id | None) -> Outcome:
        if done.likely is not None:
            detail = tr("It waits for the server, which is likely to refuse it.")
            words = tr("{words} — {why}", words=words, why=done.likely.words)
            return Outcome(True, words, Tone.WARN, detail, UUID(done.id))
        where = "" if slot_id is None else self._where(slot_id)
        detail = " · ".join(part for part in (where, self._as_of()) if part)
        return Outcome(True, words, tone, detail, UUID(done.id))

    def _where(self, slot_id: Id) -> str:
        slot = self._day.state.get(EventSlot, slot_id)
        room = None if slot is None else self._day.state.get(Location, slot.location_id)
        return "" if slot is None or room is None else f"{when(self._day, slot.start_time)} · {room.name}"

    def _made_here(self, claim_id: Id) -> tuple[Id, ...]:
        return (claim_id,) if self._is_queued(claim_id) else ()

    def _is_queued(self, id: Id) -> bool:
        command = self._day.commands.get(id)
        return command is not None and command.status == "queued"


_VERBS = {"arrived": "arrive", "performed": "perform", "no_show": "no_show"}


def _gone() -> Outcome:
    return Outcome(False, tr("This is no longer there. Search again."), Tone.BAD)


def _misread(text: str) -> CodeMatch | None:
    """A text that begins like a scanned code but fails its check; names are no codes."""
    letters = "".join(text.split()).upper()
    looks = letters.startswith("CB") and len(letters) >= 10 and any(c.isdigit() for c in letters) and letters.isalnum()
    return CodeMatch(None, words=tr("This code is misread.")) if looks else None
