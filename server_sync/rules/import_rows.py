"""An import's programme, rooms, events, groups and people: found by external id, filled with what the file says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportEvent, ImportPerson, ImportRoom, Place
from server_sync.protocol.records import Event, Group, Location, Participant, Programme
from server_sync.rules.import_plan import Plan, filled, folded, spoken
from server_sync.rules.state import EVENTS, GROUPS, LOCATIONS, PEOPLE


@dataclass(slots=True)
class Found:
    """The rows that the file's keys stand for."""

    rooms: dict[str, Location] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    people: dict[str, Participant] = field(default_factory=dict)
    bore: dict[str, Id] = field(default_factory=dict)
    """By a person's key, the row that bore it before any merge: by that one their claims were named."""
    gone: set[str] = field(default_factory=set)
    """The keys of people who were erased or left here: nothing of them comes in."""


def rows(plan: Plan) -> Found:
    """Put everything that needs no time; what it is looked up by is in the answer."""
    _programme(plan)
    found = Found()
    _groups(plan, found)
    _People(plan, found).put()
    _rooms(plan, found)
    _events(plan, found)
    return found


def _programme(plan: Plan) -> None:
    """The programme's days grow to hold the file's; its name and zone stay what people chose."""
    schedule, programme = plan.document.schedule, plan.programme
    if schedule is None:
        return
    place = Place(file=plan.document.file)
    if schedule.time_zone != programme.time_zone:
        reason = f"the file's times are meant in {schedule.time_zone}, the programme is in {programme.time_zone}"
        advice = "nothing: each moment stays the same; check that the programme's zone is right"
        plan.report.say(Programme, "note", "time_zone", place, schedule.name, reason, advice)
    first = min((day for day in (programme.starts_on, schedule.first_date) if day is not None), default=None)
    last = max((day for day in (programme.ends_on, schedule.last_date) if day is not None), default=None)
    if first is not None and last is not None and last < first:
        return
    plan.put(programme, structs.replace(programme, starts_on=first, ends_on=last))


def _rooms(plan: Plan, found: Found) -> None:
    there: list[Location] = plan.there(LOCATIONS)
    by_id = {room.external_id: room for room in there if room.external_id is not None}
    by_name = {room.name: room for room in there}
    position = max((room.position for room in there if room.position is not None), default=0)
    for said in plan.document.rooms:
        old = by_id.get(said.key) or by_name.get(said.name or said.key)
        room = old or Location(
            id=plan.new_id(Location, said.key), programme_id=plan.programme.id, name=said.name or said.key
        )
        if room.position is None:
            position += 1
            room = structs.replace(room, position=position)
        if room.external_id is None:
            room = structs.replace(room, external_id=said.key)
        found.rooms[said.key] = plan.put(
            old,
            filled(
                room,
                spoken(
                    name=said.name,
                    building=said.building,
                    city=said.city,
                    capacity=_room_capacity(plan, said),
                    notes=said.notes,
                    metadata=said.metadata,
                ),
            ),
        )


def _room_capacity(plan: Plan, said: ImportRoom) -> int | None:
    if said.capacity != 0:
        return said.capacity
    reason, advice = "a room for nobody; its capacity was left open", "correct it, or leave it blank"
    plan.report.say(Location, "doubtful", "number", said.place, said.name, reason, advice)
    return None


def _events(plan: Plan, found: Found) -> None:
    there: list[Event] = plan.there(EVENTS)
    by_id = {event.external_id: event for event in there if event.external_id is not None}
    for said in plan.document.events:
        old = by_id.pop(said.key, None)
        event = old or _new_event(plan, said)
        if said.category != "other" or said.type != "individual":  # the defaults say nothing
            event = structs.replace(event, category=said.category, type=said.type)
        found.events[said.key] = plan.put(
            old,
            filled(
                event,
                spoken(
                    name=said.name,
                    description=said.description,
                    artists=list(said.artists),
                    tags=list(said.tags),
                    metadata=said.metadata,
                ),
            ),
        )
    if plan.document.events:
        plan.report.absent(Event, sorted(event.name for event in by_id.values()))


def _new_event(plan: Plan, said: ImportEvent) -> Event:
    return Event(
        id=plan.new_id(Event, said.key),
        programme_id=plan.programme.id,
        name=said.name or said.key,
        category=said.category,
        type=said.type,
        is_active=True,
        points_first=0,
        points_second=0,
        points_third=0,
        waitlist_enabled=False,
        waitlist_order="strict",
        reserved_count=0,
        overbooked_count=0,
        external_id=said.key,
    )


def _groups(plan: Plan, found: Found) -> None:
    there: list[Group] = plan.there(GROUPS)
    by_id = {group.external_id: group for group in there if group.external_id is not None}
    by_name = {group.name: group for group in there if group.external_id is None}
    for said in plan.document.groups:
        old = by_id.get(said.key) or by_name.get(said.name)
        group = old or Group(
            id=plan.new_id(Group, said.key), programme_id=plan.programme.id, name=said.name or said.key
        )
        if group.external_id is None:
            group = structs.replace(group, external_id=said.key)
        found.groups[said.key] = plan.put(
            old, filled(group, spoken(name=said.name, school=said.school, metadata=said.metadata))
        )


class _People:
    """Finds each person of the file among those who are there, by external id, else by what an import called them.

    Whoever was merged is who they were merged into. Whoever was erased, or left, stays so.
    """

    def __init__(self, plan: Plan, found: Found) -> None:
        self.plan = plan
        self.found = found
        self.there: list[Participant] = plan.there(PEOPLE)
        self.by_id = {row.external_id: row for row in self.there if row.external_id is not None}
        self.by_row = {row.id: row for row in self.there}
        self.by_name: dict[str, dict[Id, Participant]] = {}
        self.named: Counter[str] = Counter()
        if any(said.external_id is None for said in plan.document.people):
            self.named.update(folded(said.display_name) for said in plan.document.people)
            for row in self.there:
                now = self._merged(row)
                if not _gone(now):
                    self.by_name.setdefault(folded(row.display_name), {})[now.id] = now

    def put(self) -> None:
        """Every person of the file, once; then it is known whose names the rest of the file must not bring back."""
        for said in self.plan.document.people:
            self._put(said)
        here = {said.display_name for said in self.plan.document.people if said.key not in self.found.gone}
        for said in self.plan.document.people:
            if said.key in self.found.gone and self.found.people[said.key].erased and said.display_name not in here:
                self.plan.forgotten.learn(structs.asdict(said))

    def _put(self, said: ImportPerson) -> None:
        bearer = self._bearer(said)
        if bearer is None and not said.display_name:
            return  # a mere reference to nobody: the claims that name it are refused
        now = None if bearer is None else self._merged(bearer)
        if bearer is not None and now is not None:
            self.found.bore[said.key] = self._bore(said, bearer, now)
            if _gone(now):
                self.found.people[said.key] = now
                self._stays_away(said, now)
                return
            if now.id != bearer.id:
                self.found.people[said.key] = self.plan.latest(now)
                return
        before = None if now is None else self.plan.latest(now)
        row = self.plan.put(now, self._filled(before, said))
        self.found.people[said.key] = row
        self.found.bore.setdefault(said.key, row.id)

    def _bearer(self, said: ImportPerson) -> Participant | None:
        """The row that the file's person is, or was before a merge; gone ones too."""
        if said.external_id is not None:
            earlier = self.by_id.get(said.external_id) or self._earlier(said)
            return earlier if earlier is None or earlier.external_id in (None, said.external_id) else None
        earlier = self._earlier(said)
        if earlier is not None and not _gone(self._merged(earlier)):
            return earlier
        name = folded(said.display_name)
        same = list(self.by_name.get(name, {}).values()) if name and self.named[name] == 1 else []
        if len(same) == 1:
            return same[0]
        if same and earlier is None:
            reason = f"{len(same)} people here bear this name; it came in as one more"
            advice = "use the person's id in the file, or merge them"
            self.plan.report.say(Participant, "doubtful", "several_ids", said.place, said.display_name, reason, advice)
        return earlier

    def _earlier(self, said: ImportPerson) -> Participant | None:
        """The row that an earlier import made for this key."""
        return self._row(self.plan.derived(Participant, said.key))

    def _row(self, id: Id) -> Participant | None:
        return self.by_row.get(id) or self.plan.look(Participant, id)

    def _merged(self, row: Participant) -> Participant:
        """The person that *row* was merged into, if it was."""
        for _ in range(10):
            following = self._row(row.merged_into) if row.merged_into is not None else None
            if following is None:
                break
            row = following
        return row

    def _bore(self, said: ImportPerson, bearer: Participant, now: Participant) -> Id:
        """The row by which an import named this person's claims: its own, though an external id went on by a merge."""
        earlier = self.by_row.get(self.plan.derived(Participant, said.key))
        return earlier.id if earlier is not None and self._merged(earlier).id == now.id else bearer.id

    def _stays_away(self, said: ImportPerson, row: Participant) -> None:
        self.found.gone.add(said.key)
        code, what = ("erased_here", "was erased here") if row.erased else ("left_here", "left the programme here")
        reason = f"the person of this row {what}; nothing of them comes in"
        advice = "take them out of the file, or enter them anew by hand"
        self.plan.report.say(Participant, "note", code, said.place, row.display_name, reason, advice)

    def _filled(self, old: Participant | None, said: ImportPerson) -> Participant:
        facts = spoken(
            display_name=said.display_name,
            first_name=said.first_name,
            last_name=said.last_name,
            school=said.school,
            grade=said.grade,
            age=said.age,
            contact=said.contact,
            group_id=self._group(said),
            metadata=said.metadata,
        )
        if old is not None:
            return filled(old, facts)
        id = self.plan.new_id(Participant, said.key)
        return Participant(id=id, programme_id=self.plan.programme.id, external_id=said.external_id, **facts)

    def _group(self, said: ImportPerson) -> Id | None:
        if said.group is None:
            return None
        group = self.found.groups.get(said.group)
        if group is None:
            reason, advice = f"the file has no group “{said.group[:80]}”", "name the group, or leave it blank"
            self.plan.report.say(Participant, "doubtful", "no_group", said.place, said.display_name, reason, advice)
            return None
        return group.id


def _gone(row: Participant) -> bool:
    """Whether *row* takes no part any more (or was merged into somebody who does not, and is not even known)."""
    return bool(row.erased or row.deleted) or row.merged_into is not None


def local_zone(programme: Programme) -> ZoneInfo:
    """The zone in which an import names times; UTC where the programme's is not known here."""
    try:
        return ZoneInfo(programme.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
