"""Days made of real rows, behind the port that the Board and paper read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import structs

from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import (
    Attendance,
    Category,
    Event,
    EventSlot,
    EventTimeBlock,
    FactKind,
    Group,
    Location,
    Openness,
    Participant,
    Programme,
    Record,
    ReservationMember,
    RoomDay,
    SlotReservation,
)
from server_sync.rules.room_day import room_day_id
from server_sync.rules.state import State

_SPACE = "8f14e45f-ceea-467f-9a36-dedd4bea2543"


class SampleBoard:
    """A `PrintPort` over rows in memory, with words to make them. Times are local, "09:00", "25:30" past midnight."""

    def __init__(self, name: str = "Northfield Talent Day", zone: str = "Europe/London", now: str = "09:38") -> None:
        """Make an empty programme on Saturday 14 March 2026."""
        self.state = State()
        self.zone = ZoneInfo(zone)
        self.day = date(2026, 3, 14)
        self.pending: set[Id] = set()
        self.fresh: datetime | None = None
        self.waiting = 0
        self._listeners: list[Callable[[frozenset[Id]], None]] = []
        self._made = 0
        self.programme_id = self._id("programme")
        self.put(
            Programme(
                id=self.programme_id,
                programme_id=self.programme_id,
                name=name,
                time_zone=zone,
                status="published",
                practice=False,
            )
        )
        self.at(now)

    # ---- the port

    def now(self) -> datetime:
        """The time that `at` set."""
        return self._now

    def is_pending(self, record: type[Record], id: Id) -> bool:
        """Whether the row was marked so."""
        return id in self.pending

    def subscribe(self, listener: Callable[[frozenset[Id]], None]) -> Callable[[], None]:
        """Follow `tell`."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def fresh_at(self) -> datetime | None:
        """Now, unless a test says otherwise."""
        return self.fresh or self._now

    def unsent(self) -> int:
        """As a test says."""
        return self.waiting

    # ---- making rows

    def at(self, clock: str) -> None:
        """Set the time: "09:38", or "09:38:30"."""
        self._now = self.moment(clock)

    def tell(self, *rows: Record) -> None:
        """Put rows and say that they changed."""
        for row in rows:
            self.put(row)
        for listener in list(self._listeners):
            listener(frozenset(row.id for row in rows))

    def put(self, row: Record) -> None:
        """Put one row."""
        self.state.put(row)

    def moment(self, clock: str) -> datetime:
        """A local time of the day, in UTC."""
        parts = [int(part) for part in clock.split(":")]
        days, hours = divmod(parts[0], 24)
        seconds = parts[2] if len(parts) > 2 else 0
        local = datetime.combine(self.day + timedelta(days=days), time(hours, parts[1], seconds), self.zone)
        return local.astimezone(UTC)

    def room(self, name: str, notes: str = "", building: str = "", delay: int = 0) -> Location:
        """A room, the next column."""
        at = len(self.state.rows[Location])
        row = Location(
            id=self._id(name),
            programme_id=self.programme_id,
            name=name,
            notes=notes or None,
            building=building or None,
            position=at,
        )
        self.put(row)
        if delay:
            self.put(self._room_day(row, delay_minutes=delay))
        return row

    def event(self, name: str, category: Category = "music") -> Event:
        """An event, made once."""
        id = self._id("event " + name)
        found = self.state.get(Event, id)
        if found is not None:
            return found
        row = Event(
            id=id,
            programme_id=self.programme_id,
            name=name,
            category=category,
            type="individual",
            is_active=True,
            points_first=3,
            points_second=2,
            points_third=1,
            waitlist_enabled=True,
            waitlist_order="strict",
            reserved_count=0,
            overbooked_count=0,
        )
        self.put(row)
        return row

    def slot(
        self,
        room: Location,
        event: Event,
        start: str,
        minutes: int,
        capacity: int = 1,
        status: Openness = "open",
        reason: str = "",
    ) -> EventSlot:
        """A slot in a block of its own."""
        begin = self.moment(start)
        end = begin + timedelta(minutes=minutes)
        block = EventTimeBlock(
            id=self._id(),
            programme_id=self.programme_id,
            event_id=event.id,
            location_id=room.id,
            start_time=begin,
            end_time=end,
            manual_slots=True,
            status="open",
            waived=False,
            reserved_count=0,
            overbooked_count=0,
        )
        row = EventSlot(
            id=self._id(),
            programme_id=self.programme_id,
            time_block_id=block.id,
            event_id=event.id,
            location_id=room.id,
            start_time=begin,
            end_time=end,
            slot_number=1,
            capacity=capacity,
            reserved_count=0,
            overbooked_count=0,
            status=status,
            created_by_admin=False,
            status_reason=reason or None,
        )
        self.put(block)
        self.put(row)
        return row

    def person(self, name: str, school: str = "", grade: str = "", group: Group | None = None) -> Participant:
        """A person, made once."""
        id = self._id("person " + name)
        found = self.state.get(Participant, id)
        if found is not None:
            return found
        row = Participant(
            id=id,
            programme_id=self.programme_id,
            display_name=name,
            ref=f"PPL-{len(self.state.rows[Participant]):05d}",
            school=school or None,
            grade=grade or None,
            group_id=group.id if group is not None else None,
        )
        self.put(row)
        return row

    def group(self, name: str, members: int, school: str = "") -> Group:
        """A group with members called by number."""
        row = Group(id=self._id("group " + name), programme_id=self.programme_id, name=name, school=school or None)
        self.put(row)
        for number in range(1, members + 1):
            self.person(f"{name} {number}", school, group=row)
        return row

    def claim(self, slot: EventSlot, who: Participant | Group | str, ref: str = "") -> SlotReservation:
        """A reserved claim on a slot, with its members and counts, as the rule leaves it."""
        people: list[Participant] = []
        if isinstance(who, Participant):
            people = [who]
        elif isinstance(who, Group):
            everybody: list[Participant] = list(self.state.rows[Participant].values())
            people = [person for person in everybody if person.group_id == who.id]
        row = SlotReservation(
            id=self._id(),
            programme_id=self.programme_id,
            slot_id=slot.id,
            event_id=slot.event_id,
            location_id=slot.location_id,
            time_block_id=slot.time_block_id,
            claim="reserved",
            spots=max(1, len(people)),
            reserved_at=self.moment("08:00"),
            placement_version=1,
            version=1,
            ref=ref or f"RSV-{self._made:05d}",
            participant_id=people[0].id if isinstance(who, Participant) else None,
            group_id=who.id if isinstance(who, Group) else None,
            reserved_name=who if isinstance(who, str) else None,
        )
        self.state.apply([row, *(self._member(row, slot, person) for person in people)])
        return row

    def fact(
        self, claim: SlotReservation, kind: FactKind, clock: str, people: Sequence[Participant] = ()
    ) -> list[Attendance]:
        """A fact about everybody of a claim, or some."""
        members = [person.id for person in people] or self.members(claim) or [None]
        facts = [self.attendance(claim, kind, clock, member) for member in members]
        for row in facts:
            self.put(row)
        return facts

    def attendance(self, claim: SlotReservation, kind: FactKind, clock: str, member: Id | None = None) -> Attendance:
        """One fact, not put yet."""
        return Attendance(
            id=self._id(),
            programme_id=self.programme_id,
            reservation_id=claim.id,
            kind=kind,
            occurred_at=self.moment(clock),
            command_id=self._id(),
            actor="Asha",
            participant_id=member,
        )

    def members(self, claim: SlotReservation) -> list[Id | None]:
        """The people of a claim."""
        rows: list[ReservationMember] = list(self.state.rows[ReservationMember].values())
        return [row.participant_id for row in rows if row.reservation_id == claim.id]

    def on_stage(self, room: Location, claim: SlotReservation, since: str) -> RoomDay:
        """Somebody is on stage."""
        old = self.state.get(RoomDay, room_day_id(room.id, self.day)) or self._room_day(room)
        row = structs.replace(old, on_stage_id=claim.id, on_stage_since=self.moment(since))
        self.put(row)
        return row

    def _room_day(self, room: Location, delay_minutes: int = 0) -> RoomDay:
        return RoomDay(
            id=room_day_id(room.id, self.day),
            programme_id=self.programme_id,
            location_id=room.id,
            day=self.day,
            delay_minutes=delay_minutes,
            version=1,
        )

    def _member(self, claim: SlotReservation, slot: EventSlot, person: Participant) -> ReservationMember:
        return ReservationMember(
            id=self._id(),
            programme_id=self.programme_id,
            reservation_id=claim.id,
            participant_id=person.id,
            slot_id=slot.id,
            start_time=slot.start_time,
            end_time=slot.end_time,
            live=True,
            waived=False,
        )

    def _id(self, name: str = "") -> Id:
        self._made += 1
        return derived_id(_SPACE, name or self._made)
