"""An import's claims: who is in which slot. What is there is never destroyed: it grows, moves along, or stays.

A claim is known again (import_known.py) by its block and by who is in it, so that it may change its slot or its time.
One that staff moved or cancelled stays as they left it, and so does whoever they took out of one.
"""

from __future__ import annotations

from collections import defaultdict

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim
from server_sync.protocol.records import (
    EventSlot,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.import_blocks import Placed
from server_sync.rules.import_known import Known
from server_sync.rules.import_line import Line
from server_sync.rules.import_members import Party, put_members
from server_sync.rules.import_places import Places
from server_sync.rules.import_plan import Plan
from server_sync.rules.import_rows import Found
from server_sync.rules.import_slots import Slots
from server_sync.rules.state import CLAIMS, MEMBERS_EVER, MEMBERSHIPS, PEOPLE, SLOTS, Keys, takes_places

SLOT_IN_FILE = "slot_in_file"


class Claims:
    """Puts the file's claims into the slots."""

    def __init__(self, plan: Plan, found: Found, placed: list[Placed], slots: Slots) -> None:
        self.plan = plan
        self.found = found
        self.blocks = {block.said.key: block for block in placed}
        self.slots = slots
        self.there: dict[Id, SlotReservation] = {claim.id: claim for claim in plan.there(CLAIMS)}
        self.members: dict[Id, list[ReservationMember]] = defaultdict(list)
        for member in plan.there(MEMBERSHIPS):
            self.members[member.reservation_id].append(member)
        self.places = Places(plan, placed, slots, self.members)
        self.elsewhere: dict[Id, EventSlot] = {slot.id: slot for slot in plan.there(SLOTS)}
        self.line = Line(plan)
        self.people: list[Participant] = plan.there(PEOPLE)
        self.merged = {row.id: row.merged_into for row in self.people if row.merged_into is not None}
        self._of_group = _members_of_groups(plan, self.people)
        self._known = Known(plan, found)
        self._ours: set[Id] = set()
        self.parties: dict[Id, Party] = {}

    def put(self, ask: Keys | None) -> None:
        """All claims with their members and seats, and the slots that they fill; then whoever waits (see ``Line``)."""
        for claim in self.there.values():
            self._follow(claim)
        for said in self.plan.document.claims:
            self._claim(said)
        self.places.settle()
        for slot in self.places.slots.values():
            self.plan.put(self.slots.before[slot.id], slot)
        put_members(self.plan, self.found, self.parties, self.members)
        self.places.seats.put()
        self._absent()
        self.line.serve(ask)
        for said, waiting in self.line.passed():
            reason = f"{waiting} waited here before it and still {'wait' if waiting > 1 else 'waits'}; it has the place"
            self.places.say(
                said, "doubtful", "line_ahead", reason, "raise the capacity, or cancel it so that they are next"
            )

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
            self.places.say(said, "refused", f"no_{what}", f"it has no {what} here", f"correct the {what}")
            return
        people = self._people(said)
        if people is None:
            return
        id, old = self._known.find(said, block.after.id)
        if said.people and not people:  # nobody in it takes part any more
            self._ours.add(id)
        elif old is None:
            self._new(said, id, self.places.slots[slot.id], people)
        else:
            self._again(said, old, self.places.slots[slot.id], people)

    def _people(self, said: ImportClaim) -> list[Id] | None:
        """Who is in the claim and takes part; None, and said so, where the programme does not know somebody."""
        unknown = [key for key in said.people if key not in self.found.people]
        if unknown:
            reason = f"nobody here has the id {', '.join(unknown)[:120]}"
            self.places.say(
                said, "refused", "unknown_person", reason, "import the list of people first, or together with it"
            )
            return None
        if said.group is not None and said.group not in self.found.groups:
            self.places.say(said, "refused", "no_group", "the file has no such group", "name the group in the file")
            return None
        if said.people:
            return list(dict.fromkeys(self.found.people[key].id for key in said.people if key not in self.found.gone))
        if said.group is None and not said.name:
            self.places.say(said, "refused", "nobody", "it says nobody", "name a person, a group or an entry")
            return None
        return self._of_group.get(self.found.groups[said.group].id, []) if said.group is not None else []

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

    def _takes(
        self,
        said: ImportClaim,
        claim: SlotReservation,
        slot: EventSlot,
        people: list[Id],
        spots: int,
        left: EventSlot | None = None,
    ) -> bool:
        """As ``Places.take``; those who wait for the slot are passed: the file is the organiser's word."""
        if not self.places.take(said, claim, slot, people, spots, left):
            return False
        self.line.pass_by(said, slot)
        return True

    def _again(self, said: ImportClaim, old: SlotReservation, slot: EventSlot, people: list[Id]) -> None:
        """A claim that an earlier import brought."""
        self._ours.add(old.id)
        if old.deleted or not takes_places(old):
            self.places.say(
                said, "note", "cancelled_here", f"it is {old.claim} here, and stays so", "reserve anew by hand"
            )
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
        if claim.slot_id in self.places.slots:  # where staff moved it elsewhere, the file says no more about it
            joining = self._joining(said, claim, self.places.slots[claim.slot_id], people)
        self._put(said, old, self._updated(said, claim, joining), joining)

    def _moves(self, said: ImportClaim, claim: SlotReservation, slot: EventSlot) -> bool:
        """Whether the file moves a claim to another slot of its block: if staff have not, and if there is room."""
        before = self.slots.by_number.get((said.block, (claim.metadata or {}).get(SLOT_IN_FILE, 0)))
        if before is None or before.id != claim.slot_id:
            reason = "the file moves it, and so did somebody here; it stays where it is"
            self.places.say(said, "doubtful", "moved_here", reason, "move it by hand if the file is right")
            return False
        people = [member.participant_id for member in self.members[claim.id] if member.live]
        if not self._takes(said, claim, slot, people, claim.spots, left=before):
            return False
        self.places.leave(claim, people)
        return True

    def _joining(self, said: ImportClaim, claim: SlotReservation, slot: EventSlot, people: list[Id]) -> list[Id]:
        """Who is in the claim's group and never was in the claim yet, if there is room for them all."""
        members = {member.participant_id for member in self.members[claim.id]}
        coming = [person for person in people if person not in members]
        if not coming:
            return []
        ever = self._ever_in(claim)
        joining = [person for person in coming if person not in ever]
        if joining != coming:
            reason = f"{len(coming) - len(joining)} of it were taken out here, and stay out"
            self.places.say(said, "note", "left_here", reason, "put them in by hand if the file is right")
        more = self._spots_with(claim, len(joining)) - claim.spots
        return joining if joining and self._takes(said, claim, slot, joining, more) else []

    def _ever_in(self, claim: SlotReservation) -> set[Id]:
        """Who is, or was, in the claim."""
        ever = (member.participant_id for member in self.plan.find(MEMBERS_EVER, claim.id))
        return {self.merged.get(id, id) for id in ever}

    def _spots_with(self, claim: SlotReservation, joining: int) -> int:
        """The claim's spots once so many joined: a place for each member (one for none), and the guests'."""
        members = len(self.members[claim.id])
        return claim.spots - max(1, members) + max(1, members + joining)

    def _updated(self, said: ImportClaim, claim: SlotReservation, joining: list[Id]) -> SlotReservation:
        """The claim with the file's name and whoever joined its group; of somebody erased it is told nothing more."""
        changed = structs.replace(claim, spots=self._spots_with(claim, len(joining)))
        if self.found.gone.isdisjoint(said.people):
            changed = structs.replace(
                changed,
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
            self.places.lock(claim)
        everybody = [member.participant_id for member in self.members[claim.id]] + joining
        slot = self.places.slots.get(claim.slot_id) or self.elsewhere[claim.slot_id]
        self.parties[claim.id] = Party(claim, slot, everybody, said)

    def _absent(self) -> None:
        """Claims of people in the file's slots that it does not name: they stay."""
        names = {row.id: row.display_name for row in self.people}
        gone = []
        for claim in self.there.values():
            if claim.id in self._ours or not takes_places(claim) or claim.slot_id not in self.slots.before:
                continue
            people = [names.get(member.participant_id, "?") for member in self.members[claim.id]]
            gone.append(claim.reserved_name or ", ".join(people) or claim.ref or claim.id)
        self.plan.report.absent(SlotReservation, sorted(gone))


def _members_of_groups(plan: Plan, people: list[Participant]) -> dict[Id, list[Id]]:
    """Everybody in each group once the import is done: those of *people*, who are there, and those of the file."""
    now = {row.id: row for row in people} | {row.id: row for row in plan.written_rows(Participant)}
    groups: dict[Id, list[Id]] = defaultdict(list)
    for row in now.values():
        if row.group_id is not None and not row.erased:
            groups[row.group_id].append(row.id)
    return groups
