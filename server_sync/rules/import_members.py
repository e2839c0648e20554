"""Who is in an import's claims, at their slots' times; whoever is in two places at once is waived, and reported."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim, Place
from server_sync.protocol.records import EventSlot, Participant, ReservationMember, SlotReservation
from server_sync.rules.import_plan import Plan
from server_sync.rules.import_rows import Found, local_zone
from server_sync.rules.import_times import LONGEST_REASON, MET, Span, Timetable, by_import, in_words
from server_sync.rules.state import CLAIMS, EVENTS, PEOPLE

ADVICE = "it comes in with a waiver; move one of them if that is not meant"


@dataclass(slots=True)
class Party:
    """One claim with everybody in it, and where it is now. ``said`` is None where the file does not name it."""

    claim: SlotReservation
    slot: EventSlot
    people: list[Id]
    said: ImportClaim | None = None


@dataclass(slots=True)
class _Member:
    party: Party
    before: ReservationMember | None
    after: ReservationMember

    @property
    def placed(self) -> bool:
        """Whether this person's time is claimed anew."""
        old, new = self.before, self.after
        return old is None or (old.start_time, old.end_time) != (new.start_time, new.end_time)

    @property
    def waiver(self) -> str:
        """What the file says."""
        return self.party.said.waiver if self.party.said is not None else ""

    @property
    def span(self) -> Span:
        """The person's time."""
        return Span(self.after.start_time, self.after.end_time, self.after.id)


def put_members(plan: Plan, found: Found, parties: dict[Id, Party], there: dict[Id, list[ReservationMember]]) -> None:
    """Put the members of all *parties*; *there* are the members of every claim before the import."""
    ours = [member for party in parties.values() for member in _members(plan, party, there.get(party.claim.id, []))]
    others = [member for claim, members in there.items() if claim not in parties for member in members]
    _Waiving(plan, found, ours, others).decide()
    for member in ours:
        plan.put(member.before, member.after, counted=member.party.said is not None)
        if member.before is None or member.before != member.after:
            plan.lock(Participant, member.after.participant_id)


def _members(plan: Plan, party: Party, there: list[ReservationMember]) -> list[_Member]:
    known = {member.participant_id: member for member in there}
    members = []
    for person in party.people:
        old = known.get(person)
        member = old or ReservationMember(
            id=plan.new_id(ReservationMember, person, parent=party.claim.id),
            programme_id=party.claim.programme_id,
            reservation_id=party.claim.id,
            participant_id=person,
            slot_id=party.slot.id,
            start_time=party.slot.start_time,
            end_time=party.slot.end_time,
            live=True,
            waived=False,
        )
        now = structs.replace(
            member, slot_id=party.slot.id, start_time=party.slot.start_time, end_time=party.slot.end_time
        )
        members.append(_Member(party, old, now))
    return members


class _Waiving:
    """Decides who may be in two places: what the file says, and what it meets here."""

    def __init__(self, plan: Plan, found: Found, ours: list[_Member], others: list[ReservationMember]) -> None:
        self.plan = plan
        self.ours = [member for member in ours if member.after.live]
        self.others = [member for member in others if member.live]
        self.times = Timetable()
        self.zone = local_zone(plan.programme)
        self.names = {row.id: row.display_name for row in plan.there(PEOPLE)}
        self.names |= {row.id: row.display_name for row in found.people.values()}
        self.events = {row.id: row.name for row in plan.there(EVENTS)}
        self.events |= {row.id: row.name for row in found.events.values()}
        self.event_of = {member.after.id: member.party.claim.event_id for member in ours}

    def decide(self) -> None:
        """What stays first, then what comes: so a waiver falls on who came."""
        for other in self.others:
            self.times.add(other.participant_id, Span(other.start_time, other.end_time, other.id), not other.waived)
        for member in self.ours:
            if not member.placed and not member.waiver:
                self.times.add(member.after.participant_id, member.span, not member.after.waived)
        for member in self.ours:
            now = member.after
            if member.waiver:
                if not now.waived or by_import(now.waived_reason):
                    member.after = structs.replace(now, waived=True, waived_reason=member.waiver[:LONGEST_REASON])
            elif member.placed or now.waived:
                self._meet(member)

    def _meet(self, member: _Member) -> None:
        """Waive somebody who came, or whom an import waived once, by where else they are now."""
        now, person = member.after, member.after.participant_id
        ours = not now.waived or by_import(now.waived_reason)
        other = self.times.meets(person, member.span)
        if other is None:
            if ours:
                member.after = structs.replace(now, waived=False, waived_reason=None)
            self.times.add(person, member.span, firm=ours)
        elif member.placed:
            where = f"also in {in_words(other, self._title(other.row), self.zone)}"
            if ours:  # the row says who it is, and may have to forget it
                reason = f"{MET}{where}"[:LONGEST_REASON]
                member.after = structs.replace(now, waived=True, waived_reason=reason)
            self.times.add(person, member.span, firm=False)
            said = member.party.said
            place = said.place if said is not None else Place(file=self.plan.document.file)
            subject = self.events.get(member.party.claim.event_id, "")
            met = f"{self.names.get(person, person)} is {where}"
            self.plan.report.say(ReservationMember, "doubtful", "person_overlap", place, subject, met, ADVICE)

    def _title(self, member_id: Id) -> str:
        """The event in which a member is, in words."""
        event = self.event_of.get(member_id)
        if event is None:
            claim = next(other.reservation_id for other in self.others if other.id == member_id)
            event = next((str(row.event_id) for row in self.plan.there(CLAIMS) if row.id == claim), "")
        title: str = self.events.get(event, "?")
        return title
