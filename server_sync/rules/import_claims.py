"""An import's claims: who is in which slot. What is there is never destroyed: it grows, moves along, or stays.

A claim is known again by its block and by who is in it, so that it may change its slot or its time. One that staff
moved or cancelled stays as they left it.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim, Severity
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Group, ReservationMember, SlotReservation
from server_sync.rules.import_blocks import Placed
from server_sync.rules.import_line import Line
from server_sync.rules.import_members import Party, put_members
from server_sync.rules.import_plan import Plan, folded
from server_sync.rules.import_rows import Found
from server_sync.rules.import_seats import Seats
from server_sync.rules.import_slots import Slots
from server_sync.rules.state import BLOCKS, CLAIMS, EVENTS, MEMBERSHIPS, PEOPLE, SLOTS, Keys, takes_places

SLOT_IN_FILE = "slot_in_file"
TALKS = ("frab", "schedule.json", "icalendar")
"""Formats whose slots have no capacity of their own: it counts the speakers."""


class Claims:
    """Puts the file's claims into the slots.

    ``reserved`` counts places by slot, block and event as claims come in; ``inside`` holds who is in which slot, and
    ``waiting`` who waits for which.
    """

    def __init__(self, plan: Plan, found: Found, placed: list[Placed], slots: Slots) -> None:
        self.plan = plan
        self.found = found
        self.blocks = {block.said.key: block for block in placed}
        self.slots = slots
        self.events = {event.id: event for event in plan.there(EVENTS)}
        self.there: dict[Id, SlotReservation] = {claim.id: claim for claim in plan.there(CLAIMS)}
        self.members: dict[Id, list[ReservationMember]] = defaultdict(list)
        for member in plan.there(MEMBERSHIPS):
            self.members[member.reservation_id].append(member)
        self.slot_now = {slot.id: slot for slot in slots.by_number.values()}
        self.elsewhere: dict[Id, EventSlot] = {slot.id: slot for slot in plan.there(SLOTS)}
        self.block_rows: dict[Id, EventTimeBlock] = {block.id: block for block in plan.there(BLOCKS)}
        self.block_rows |= {block.after.id: block.after for block in placed}
        self.reserved: Counter[Id] = Counter()
        self.inside: set[tuple[Id, Id]] = set()  # slot and person
        self.waiting: set[tuple[Id, Id]] = set()
        self.line = Line(plan)
        self.seats = Seats(plan)
        self._of_group = _members_of_groups(plan, found)
        self._seen: Counter[tuple[Id, str]] = Counter()
        self._ours: set[Id] = set()
        self.parties: dict[Id, Party] = {}
        self._count()

    def put(self, ask: Keys | None) -> None:
        """All claims with their members and seats, and the slots that they fill; then whoever waits (see ``Line``)."""
        for claim in self.there.values():
            self._follow(claim)
        for said in self.plan.document.claims:
            self._claim(said)
        for slot in self.slot_now.values():
            self.plan.put(self.slots.before[slot.id], slot)
        put_members(self.plan, self.found, self.parties, self.members)
        self.seats.put()
        self._absent()
        self.line.serve(ask)
        for said, waiting in self.line.passed():
            reason = f"{waiting} waited here before it and still {'wait' if waiting > 1 else 'waits'}; it has the place"
            self._say(said, "doubtful", "line_ahead", reason, "raise the capacity, or cancel it so that they are next")

    def _count(self) -> None:
        for claim in self.there.values():
            if takes_places(claim):
                for id in (claim.slot_id, claim.time_block_id, claim.event_id):
                    self.reserved[id] += claim.spots
                self.inside.update((claim.slot_id, m.participant_id) for m in self.members[claim.id] if m.live)
            elif claim.claim == "waitlisted":
                self.waiting.update((claim.slot_id, m.participant_id) for m in self.members[claim.id] if m.waiting)

    def _follow(self, claim: SlotReservation) -> None:
        """Whoever is in a slot that moved moves with it."""
        slot = self.slots.moved.get(claim.slot_id)
        if slot is not None:
            followed = structs.replace(
                claim,
                location_id=slot.location_id,
                placement_version=claim.placement_version + 1,
                version=claim.version + 1,
            )
            self.plan.put(claim, followed, counted=False)
            self.parties[claim.id] = Party(followed, slot, [m.participant_id for m in self.members[claim.id]])

    def _claim(self, said: ImportClaim) -> None:
        """One claim of the file: found again, or new."""
        block = self.blocks.get(said.block)
        slot = self.slots.by_number.get((said.block, said.slot))
        if block is None or slot is None:
            what = "block" if block is None else "slot"
            self._say(said, "refused", f"no_{what}", f"it has no {what} here", f"correct the {what}")
            return
        people = self._people(said)
        if people is None:
            return
        who = self._who(said, people)
        self._seen[block.after.id, who] += 1
        name = f"{who} #{self._seen[block.after.id, who]}"
        id = self.plan.derived(SlotReservation, name, parent=block.after.id)
        old = self.plan.look(SlotReservation, id)
        if old is None:
            self._new(said, id, self.slot_now[slot.id], people)
        else:
            self._again(said, old, self.slot_now[slot.id], people)

    def _people(self, said: ImportClaim) -> list[Id] | None:
        """Who is in the claim; None, and said so, where the programme does not know somebody."""
        unknown = [key for key in said.people if key not in self.found.people]
        if unknown:
            reason = f"nobody here has the id {', '.join(unknown)[:120]}"
            self._say(said, "refused", "unknown_person", reason, "import the list of people first, or together with it")
            return None
        if said.group is not None and said.group not in self.found.groups:
            self._say(said, "refused", "no_group", "the file has no such group", "name the group in the file")
            return None
        if said.people:
            return list(dict.fromkeys(self.found.people[key].id for key in said.people))
        if said.group is None and not said.name:
            self._say(said, "refused", "nobody", "it says nobody", "name a person, a group or an entry")
            return None
        return self._of_group.get(self.found.groups[said.group].id, []) if said.group is not None else []

    def _who(self, said: ImportClaim, people: list[Id]) -> str:
        if said.group is not None:
            return f"group {self.found.groups[said.group].id}"
        return " ".join(sorted(people)) or f"entry {folded(said.name)}"

    def _new(self, said: ImportClaim, id: Id, slot: EventSlot, people: list[Id]) -> None:
        group = self.found.groups[said.group].id if said.group is not None else None
        several = self.blocks[said.block].said.slot_duration_minutes is not None
        claim = SlotReservation(
            id=id,
            programme_id=slot.programme_id,
            slot_id=slot.id,
            event_id=slot.event_id,
            location_id=slot.location_id,
            time_block_id=slot.time_block_id,
            claim="reserved",
            spots=max(1, len(people)),
            reserved_at=self.plan.now,
            placement_version=1,
            version=1,
            participant_id=people[0] if len(people) == 1 and group is None else None,
            group_id=group,
            reserved_name=said.name or None,
            special_requirements=said.notes or None,
            metadata={SLOT_IN_FILE: said.slot} if several else None,
        )
        if self._takes(said, claim, slot, people, claim.spots):
            self._put(said, None, claim, people)

    def _again(self, said: ImportClaim, old: SlotReservation, slot: EventSlot, people: list[Id]) -> None:
        """A claim that an earlier import brought."""
        self._ours.add(old.id)
        if old.deleted or not takes_places(old):
            self._say(said, "note", "cancelled_here", f"it is {old.claim} here, and stays so", "reserve anew by hand")
            self.plan.report.wrote(old, old)
            return
        claim = self.parties[old.id].claim if old.id in self.parties else old
        in_file = (old.metadata or {}).get(SLOT_IN_FILE, said.slot)
        if in_file != said.slot and claim.slot_id != slot.id and self._moves(said, claim, slot):
            claim = structs.replace(
                claim,
                slot_id=slot.id,
                location_id=slot.location_id,
                placement_version=old.placement_version + 1,
                version=old.version + 1,
            )
        if claim.slot_id == slot.id and in_file != said.slot:
            claim = structs.replace(claim, metadata={**(claim.metadata or {}), SLOT_IN_FILE: said.slot})
        joining: list[Id] = []
        if claim.slot_id in self.slot_now:  # where staff moved it elsewhere, the file says no more about it
            joining = self._joining(said, claim, self.slot_now[claim.slot_id], people)
        self._put(said, old, self._updated(said, claim, joining), joining)

    def _moves(self, said: ImportClaim, claim: SlotReservation, slot: EventSlot) -> bool:
        """Whether the file moves a claim to another slot of its block: if staff have not, and if there is room."""
        before = self.slots.by_number.get((said.block, (claim.metadata or {}).get(SLOT_IN_FILE, 0)))
        if before is None or before.id != claim.slot_id:
            reason = "the file moves it, and so did somebody here; it stays where it is"
            self._say(said, "doubtful", "moved_here", reason, "move it by hand if the file is right")
            return False
        people = [member.participant_id for member in self.members[claim.id] if member.live]
        if not self._takes(said, claim, slot, people, claim.spots, left=before):
            return False
        self.reserved[claim.slot_id] -= claim.spots
        self.inside.difference_update((claim.slot_id, person) for person in people)
        self.plan.lock(EventSlot, claim.slot_id)
        return True

    def _joining(self, said: ImportClaim, claim: SlotReservation, slot: EventSlot, people: list[Id]) -> list[Id]:
        """Who is in the claim's group and not in the claim yet, if there is room for them all."""
        members = {member.participant_id for member in self.members[claim.id]}
        joining = [person for person in people if person not in members]
        more = self._spots_with(claim, len(joining)) - claim.spots
        return joining if joining and self._takes(said, claim, slot, joining, more) else []

    def _spots_with(self, claim: SlotReservation, joining: int) -> int:
        """The claim's spots once so many joined: a place for each member (one for none), and the guests'."""
        members = len(self.members[claim.id])
        return claim.spots - max(1, members) + max(1, members + joining)

    def _updated(self, said: ImportClaim, claim: SlotReservation, joining: list[Id]) -> SlotReservation:
        """The claim with the file's name and whoever joined its group."""
        changed = structs.replace(
            claim,
            spots=self._spots_with(claim, len(joining)),
            reserved_name=said.name or claim.reserved_name,
            special_requirements=claim.special_requirements or said.notes or None,
        )
        unversioned = changed != claim and claim.version == self.there[claim.id].version
        return structs.replace(changed, version=claim.version + 1) if unversioned else changed

    def _put(self, said: ImportClaim, old: SlotReservation | None, claim: SlotReservation, joining: list[Id]) -> None:
        """Put the claim, lock what it fills, and leave its members to be put once all have their places."""
        self._ours.add(claim.id)
        self.plan.put(old, claim)
        if old is None or (old.spots, old.slot_id) != (claim.spots, claim.slot_id):
            self.plan.lock(EventSlot, claim.slot_id)
            self._lock_limits(claim)
        everybody = [member.participant_id for member in self.members[claim.id]] + joining
        slot = self.slot_now.get(claim.slot_id) or self.elsewhere[claim.slot_id]
        self.parties[claim.id] = Party(claim, slot, everybody, said)

    def _lock_limits(self, claim: SlotReservation) -> None:
        block, event = self.block_rows[claim.time_block_id], self.events.get(claim.event_id)
        if block.max_capacity is not None:
            self.plan.lock(EventTimeBlock, block.id)
        if event is not None and event.capacity is not None:
            self.plan.lock(Event, event.id)
        if claim.group_id is not None:
            self.plan.lock(Group, claim.group_id)

    def _takes(
        self,
        said: ImportClaim,
        claim: SlotReservation,
        slot: EventSlot,
        people: list[Id],
        spots: int,
        left: EventSlot | None = None,
    ) -> bool:
        """Take places for *people* if the slot has them; say why not. Who *left* a slot of its block takes none there.

        Those who wait for the slot are passed: the file is the organiser's word.
        """
        slot = self.slot_now[slot.id]
        block, event = self.block_rows[slot.time_block_id], self.events.get(slot.event_id)
        reserved = self.reserved
        if slot.status != "open" or block.status != "open" or (event is not None and not event.is_active):
            return self._refuse(said, "slot_closed", "the slot takes no reservations here", "open it first")
        if any((slot.id, person) in self.inside for person in people):
            reason = "somebody in it has a place in this slot already"
            return self._refuse(said, "twice_in_slot", reason, "leave one of the two out")
        if any((slot.id, person) in self.waiting for person in people):
            reason = "somebody in it waits for this slot here"
            return self._refuse(said, "waits_here", reason, "promote them, or cancel their waiting")
        limits = () if left is not None else (("block", block.id, block.max_capacity), self._limit_of(event))
        for what, id, most in limits:
            if most is not None and reserved[id] + spots > most:
                reason, advice = f"the {what} takes {most} in all", f"raise its capacity, or use another {what}"
                return self._refuse(said, f"{what}_full", reason, advice)
        if reserved[slot.id] + spots > slot.capacity and not self._grows(said, slot, reserved[slot.id] + spots):
            reason = f"it needs {spots} places; {reserved[slot.id]} of {slot.capacity} are taken"
            return self._refuse(said, "slot_full", reason, "raise slot_capacity, or give another slot")
        if (slot.seated or (left is not None and left.seated)) and not self.seats.take(claim, slot, spots, left):
            reason = f"it needs {spots} seats, and the slot has fewer free"
            return self._refuse(said, "no_seats", reason, "open more seats, or give another slot")
        self.line.pass_by(said, slot)
        reserved[slot.id] += spots
        if left is None:
            reserved[block.id] += spots
            reserved[slot.event_id] += spots
        self.inside.update((slot.id, person) for person in people)
        return True

    def _limit_of(self, event: Event | None) -> tuple[str, Id, int | None]:
        return "event", "" if event is None else event.id, None if event is None else event.capacity

    def _grows(self, said: ImportClaim, slot: EventSlot, needed: int) -> bool:
        """A talk has room for whoever speaks, beside those whom the file no longer names."""
        if self.plan.document.format not in TALKS or slot.seated:
            return False
        self.slot_now[slot.id] = structs.replace(slot, capacity=needed)
        reason = f"people whom the file does not name have places in it; it takes {needed} now"
        self._say(said, "doubtful", "capacity_raised", reason, "cancel whoever does not come")
        return True

    def _refuse(self, said: ImportClaim, code: str, reason: str, advice: str) -> bool:
        self._say(said, "refused", code, reason, advice)
        return False

    def _say(self, said: ImportClaim, severity: Severity, code: str, reason: str, advice: str) -> None:
        subject = f"{said.name or said.group or ', '.join(said.people)} in {said.block}"
        self.plan.report.say(SlotReservation, severity, code, said.place, subject, reason, advice)

    def _absent(self) -> None:
        """Claims of people in the file's slots that it does not name: they stay."""
        names = {row.id: row.display_name for row in self.plan.there(PEOPLE)}
        gone = []
        for claim in self.there.values():
            if claim.id in self._ours or not takes_places(claim) or claim.slot_id not in self.slots.before:
                continue
            people = [names.get(member.participant_id, "?") for member in self.members[claim.id]]
            gone.append(claim.reserved_name or ", ".join(people) or claim.ref or claim.id)
        self.plan.report.absent(SlotReservation, sorted(gone))


def _members_of_groups(plan: Plan, found: Found) -> dict[Id, list[Id]]:
    """Everybody in each group once the import is done: those who are there, and those of the file."""
    now = {row.id: row for row in plan.there(PEOPLE)}
    now |= {row.id: row for row in found.people.values()}
    groups: dict[Id, list[Id]] = defaultdict(list)
    for row in now.values():
        if row.group_id is not None and not row.deleted:
            groups[row.group_id].append(row.id)
    return groups
