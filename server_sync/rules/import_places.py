"""The places in an import's slots while its claims come in, each seeing what those before it took."""

from __future__ import annotations

from collections import Counter
from typing import Final

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim, Severity
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Group, ReservationMember, SlotReservation
from server_sync.rules.capacity import limited
from server_sync.rules.import_blocks import Placed
from server_sync.rules.import_plan import Plan, at_least
from server_sync.rules.import_seats import Seats
from server_sync.rules.import_slots import Slots
from server_sync.rules.state import BLOCKS, CLAIMS, EVENTS, takes_places

TALKS: Final = ("frab", "schedule.json", "icalendar")
"""Formats whose slots have no capacity of their own: it counts the speakers."""


class Places:
    """Gives places away, or says why not. ``slots`` are the file's by id, as they are now.

    ``_reserved`` counts places by slot, block and event; ``_inside`` holds who is in which slot, and ``_waiting`` who
    waits for which. ``_grown`` are talks that grew, with the claim for which they first did.
    """

    def __init__(
        self, plan: Plan, placed: list[Placed], slots: Slots, members: dict[Id, list[ReservationMember]]
    ) -> None:
        self.slots = {slot.id: slot for slot in slots.by_number.values()}
        self.seats = Seats(plan)
        self._plan = plan
        self._events = {event.id: event for event in plan.there(EVENTS)}
        self._blocks: dict[Id, EventTimeBlock] = {block.id: block for block in plan.there(BLOCKS)}
        self._blocks |= {block.after.id: block.after for block in placed}
        self._reserved: Counter[Id] = Counter()
        self._inside: set[tuple[Id, Id]] = set()  # slot and person
        self._waiting: set[tuple[Id, Id]] = set()
        self._grown: dict[Id, ImportClaim] = {}
        self._wanted, self._before = slots.wanted, slots.before
        self._count(members)

    def _count(self, members: dict[Id, list[ReservationMember]]) -> None:
        for claim in self._plan.there(CLAIMS):
            if takes_places(claim):
                for id in (claim.slot_id, claim.time_block_id, claim.event_id):
                    self._reserved[id] += claim.spots
                self._inside.update((claim.slot_id, m.participant_id) for m in members[claim.id] if m.live)
            elif claim.claim == "waitlisted":
                self._waiting.update((claim.slot_id, m.participant_id) for m in members[claim.id] if m.waiting)

    def take(
        self,
        said: ImportClaim,
        claim: SlotReservation,
        slot: EventSlot,
        people: list[Id],
        spots: int,
        left: EventSlot | None = None,
    ) -> bool:
        """Take places for *people* if the slot has them, or say why not.

        Who *left* a slot of the same block takes none of the block's.
        """
        slot = self.slots[slot.id]
        block, event = self._blocks[slot.time_block_id], self._events.get(slot.event_id)
        reserved = self._reserved
        if slot.status != "open" or block.status != "open" or (event is not None and not event.is_active):
            return self._refuse(said, "slot_closed", "the slot takes no reservations here", "open it first")
        if any((slot.id, person) in self._inside for person in people):
            reason = "somebody in it has a place in this slot already"
            return self._refuse(said, "twice_in_slot", reason, "leave one of the two out")
        if any((slot.id, person) in self._waiting for person in people):
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
        reserved[slot.id] += spots
        if left is None:
            reserved[block.id] += spots
            reserved[slot.event_id] += spots
        self._inside.update((slot.id, person) for person in people)
        return True

    def leave(self, claim: SlotReservation, people: list[Id]) -> None:
        """Give back the places of *people* in the slot that they leave."""
        self._reserved[claim.slot_id] -= claim.spots
        self._inside.difference_update((claim.slot_id, person) for person in people)
        self._plan.lock(EventSlot, claim.slot_id)

    def settle(self) -> None:
        """Leave each slot as large as the file says, or as it must be once all claims are in."""
        for id, (block, wanted) in self._wanted.items():
            before, reserved = self._before[id], self._reserved[id]
            capacity = at_least(wanted, wanted if before is None else before.capacity, reserved)
            if id in self._grown and reserved > capacity:
                capacity = reserved
                reason = f"people whom the file does not name have places in it; it takes {capacity} now"
                self.say(self._grown[id], "doubtful", "capacity_raised", reason, "cancel whoever does not come")
            elif capacity != wanted:
                reason = f"the file says {wanted} places, and {reserved} are reserved; it keeps {capacity}"
                title, advice = block.said.key, "cancel whoever does not come, or leave it"
                self._plan.report.say(EventSlot, "doubtful", "capacity_kept", block.said.place, title, reason, advice)
            self.slots[id] = limited(self.slots[id], capacity, self.slots[id].reserved_count)

    def lock(self, claim: SlotReservation) -> None:
        """Have the rows locked that *claim* makes fuller."""
        self._plan.lock(EventSlot, claim.slot_id)
        block, event = self._blocks[claim.time_block_id], self._events.get(claim.event_id)
        if block.max_capacity is not None:
            self._plan.lock(EventTimeBlock, block.id)
        if event is not None and event.capacity is not None:
            self._plan.lock(Event, event.id)
        if claim.group_id is not None:
            self._plan.lock(Group, claim.group_id)

    def say(self, said: ImportClaim, severity: Severity, code: str, reason: str, advice: str) -> None:
        """Note something that a person should know about the claim."""
        subject = f"{said.name or said.group or ', '.join(said.people)} in {said.block}"
        self._plan.report.say(SlotReservation, severity, code, said.place, subject, reason, advice)

    def _limit_of(self, event: Event | None) -> tuple[str, Id, int | None]:
        return "event", "" if event is None else event.id, None if event is None else event.capacity

    def _grows(self, said: ImportClaim, slot: EventSlot, needed: int) -> bool:
        """A talk has room for whoever speaks, beside those whom the file no longer names."""
        if self._plan.document.format not in TALKS or slot.seated:
            return False
        self._grown.setdefault(slot.id, said)
        self.slots[slot.id] = limited(slot, needed, slot.reserved_count)
        return True

    def _refuse(self, said: ImportClaim, code: str, reason: str, advice: str) -> bool:
        self.say(said, "refused", code, reason, advice)
        return False
