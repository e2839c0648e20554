"""What must be true of one command: of what it made of the rows, or of what it was refused for.

Told from the rows before and after, the arguments and the verdict alone, so that no rule vouches for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, EventTimeBlock, Record, ReservationMember, Role, SlotReservation
from tests.anything.lines import passed
from tests.anything.picture import LIMITS, Picture, live, overlap, waits

BY_HAND = frozenset({"waitlist.promote", "reservation.move"})
"""Kinds by which somebody who waits gets a place out of turn, because staff name him."""


@dataclass(frozen=True)
class Step:
    """A command with the rows before and after it, and why it was refused if it was.

    ``seen`` are the placements that the person looked at, by claim.
    """

    kind: str
    args: dict[str, Any]
    role: Role
    seen: dict[Id, int]
    before: Picture
    after: Picture
    refusal: Refusal | None

    @property
    def override(self) -> bool:
        """Whether it may make more room than there is, or go where others may not."""
        return self.kind == "import.apply" or bool(self.args.get("override_reason"))

    @cached_property
    def named(self) -> set[Id]:
        """The claims that it is about."""
        ids = {self.args.get("reservation_id"), self.args.get("with_reservation_id")}
        return {id for id in ids | set(self.args.get("reservation_ids") or ()) if id is not None}

    @cached_property
    def entered(self) -> dict[Id, SlotReservation]:
        """The claims that take places where they took none."""
        return {claim.id: claim for claim in self.after.all(SlotReservation) if live(claim) and self._comes(claim)}

    def _comes(self, claim: SlotReservation) -> bool:
        was = self.before.get(SlotReservation, claim.id)
        return was is None or not live(was) or was.slot_id != claim.slot_id

    @cached_property
    def grown(self) -> dict[Id, SlotReservation]:
        """The claims that take more places where they had some."""
        found: dict[Id, SlotReservation] = {}
        for claim in self.after.all(SlotReservation):
            was = self.before.get(SlotReservation, claim.id)
            if was is not None and live(was) and live(claim) and was.slot_id == claim.slot_id:
                found |= {claim.id: claim} if claim.spots > was.spots else {}
        return found

    @cached_property
    def promoted(self) -> dict[Id, SlotReservation]:
        """The claims that had their turn in line, as they waited."""
        found = {}
        for id in self.entered:
            was = self.before.get(SlotReservation, id)
            if was is not None and waits(was) and not (self.kind in BY_HAND and id in self.named):
                found[id] = was
        return found


def wrong(step: Step) -> list[str]:
    """Everything that is wrong with a step, in words."""
    checks = REFUSED if step.refusal is not None else APPLIED
    return [problem for check in checks for problem in check(step)]


# -------------------------------------------------------------------- applied


def _overbooked(step: Step) -> Iterator[str]:
    """More than there is room for is let in by an admin who says why, and no more than that takes."""
    for record, field in LIMITS:
        for row in step.after.all(record):
            old = step.before.get(record, row.id)
            before = old.overbooked_count if old is not None else 0
            capacity = getattr(row, field)
            if capacity is None or row.overbooked_count <= before:
                continue
            if not (step.override and step.role == "admin"):
                yield f"{record.TABLE} {row.id} is overbooked, and no admin said why"
            if row.overbooked_count != row.reserved_count - capacity:
                yield f"{record.TABLE} {row.id} is overbooked by {row.overbooked_count}, not by what lacked"


def _promoted(step: Step) -> Iterator[str]:
    """Nobody is served while there are too many, nor for what is over."""
    for id in step.promoted:
        claim = step.after.rows[SlotReservation][id]
        slot = step.after.rows[EventSlot][claim.slot_id]
        if not step.override and step.after.lacking(slot, 0):
            yield f"claim {id} was promoted into slot {slot.id}, where there are too many"
        if not step.after.to_come(slot):
            yield f"claim {id} was promoted into slot {slot.id}, which is over"


def _order(step: Step) -> Iterator[str]:
    if step.override or step.kind in ("participant.merge", "reservation.swap"):
        comers: dict[Id, int] = {}
    else:
        by_hand = step.named if step.kind == "waitlist.promote" else set()
        some = {**step.entered, **step.grown}
        comers = {id: c.spots for id, c in some.items() if id not in step.promoted and id not in by_hand}
    calm = not any(_ended(step, "expired"))
    yield from passed(step.before, step.after, step.promoted, comers, calm)


def _ended(step: Step, how: str) -> Iterator[SlotReservation]:
    """Holds as they were, that are now *how*."""
    for claim in step.after.all(SlotReservation):
        was = step.before.get(SlotReservation, claim.id)
        if was is not None and was.claim == "held" and claim.claim == how:
            yield was


def _open(step: Step) -> Iterator[str]:
    """Nobody comes to what was cancelled, and to what is closed only by an override."""
    for id, claim in (step.entered | step.grown).items():
        openness = step.after.openness(step.after.rows[EventSlot][claim.slot_id])
        if openness == "cancelled" or (openness == "closed" and (not step.override or id in step.promoted)):
            yield f"claim {id} has places in slot {claim.slot_id}, which is {openness}"


def _waiver(step: Step, row: ReservationMember | EventTimeBlock) -> bool:
    """Whether this command says why *row* may overlap something."""
    if step.role != "admin" or not row.waived or not row.waived_reason:
        return False
    return step.kind == "import.apply" or row.waived_reason == step.args.get("waive_reason")


def _two_places(step: Step) -> Iterator[str]:
    """Who is newly in two places at once has a waiver for it, of this command or from when he joined the line."""
    for person, members in step.after.commitments.items():
        for pair in _new_pairs(step, ReservationMember, [member for member in members if member.live]):
            if pair[0].slot_id == pair[1].slot_id:
                yield f"participant {person} is twice in slot {pair[0].slot_id}"
            elif not any(_waiver(step, member) or _waived_in_line(step, member) for member in _came(step, pair)):
                yield f"participant {person} is in two places, {pair[0].id} and {pair[1].id}, and nobody waived it"


def _new_pairs(step: Step, record: type[Record], rows: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Two of *rows* that overlap now and did not before."""
    for one, other in combinations(rows, 2):
        if overlap(one, other):
            old: Any = step.before.get(record, one.id)
            older: Any = step.before.get(record, other.id)
            if not (_stands(old) and _stands(older) and overlap(old, older) and _together(old, older)):
                yield one, other


def _stands(row: Any) -> bool:
    if row is None or row.deleted:
        return False
    return bool(row.live) if isinstance(row, ReservationMember) else row.status != "cancelled"


def _together(one: Any, other: Any) -> bool:
    """Whether two rows are of one person or room. Of two people who turn out to be one, what each had is as it was."""
    if isinstance(one, ReservationMember):
        return bool(one.participant_id == other.participant_id)
    return bool(one.location_id == other.location_id)


def _came(step: Step, pair: tuple[ReservationMember, ReservationMember]) -> list[ReservationMember]:
    """Whoever of the two was not there before."""
    return [member for member in pair if step.before.get(ReservationMember, member.id) != member]


def _waived_in_line(step: Step, member: ReservationMember) -> bool:
    was = step.before.get(ReservationMember, member.id)
    return was is not None and bool(was.waiting and was.waived) and was.waived_reason == member.waived_reason


def _rooms(step: Step) -> Iterator[str]:
    """The same for blocks in one room."""
    rooms: dict[Id, list[EventTimeBlock]] = {}
    for block in step.after.all(EventTimeBlock):
        if block.status != "cancelled":
            rooms.setdefault(block.location_id, []).append(block)
    for room, blocks in rooms.items():
        for pair in _new_pairs(step, EventTimeBlock, blocks):
            changed = [block for block in pair if step.before.get(EventTimeBlock, block.id) != block]
            if not any(_waiver(step, block) for block in changed):
                yield f"location {room} hosts {pair[0].id} and {pair[1].id} at once, and nobody waived it"


def _holds(step: Step) -> Iterator[str]:
    """A hold ends when its time is over, not before; after it, it is a reservation only by being brought back."""
    for was in _ended(step, "expired"):
        if not step.before.overdue(was):
            yield f"hold {was.id} expired before its time"
    for was in _ended(step, "reserved"):
        if step.before.overdue(was) and step.kind != "reservation.reinstate":
            yield f"hold {was.id} was confirmed after its time"


def _stale(step: Step) -> Iterator[str]:
    """Who looked at something else than there was is refused."""
    if not step.kind.startswith(("reservation.", "waitlist.")):
        return  # facts are recorded, and what is about now goes by the last word
    for id, seen in step.seen.items():
        was = step.before.get(SlotReservation, id)
        if was is not None and id in step.named and was.placement_version != seen and step.args.get("mode") != "best":
            yield f"claim {id} was at placement {was.placement_version}, not {seen} as the person saw it"
    was = step.before.get(SlotReservation, step.args.get("reservation_id"))
    version = step.args.get("version")
    if was is not None and version is not None and version != was.version:
        yield f"claim {was.id} was at version {was.version}, not {version} as the person saw it"


# -------------------------------------------------------------------- refused


def _in_vain(step: Step) -> Iterator[str]:
    """Nobody is turned away for what ran out, unless those who wait come first, nor for what he saw rightly."""
    refusal, before = step.refusal, step.before
    assert refusal is not None
    details = refusal.details
    slot = before.get(EventSlot, details.get("slot_id"))
    if refusal.code == "NOT_EXPIRED" and before.overdue(before.get(SlotReservation, details["reservation_id"])):
        yield f"hold {details['reservation_id']} is over"
    if refusal.code in ("MOVED", "STALE_VERSION"):
        was = before.rows[SlotReservation][details["reservation_id"]]
        if details["seen"] == (was.placement_version if refusal.code == "MOVED" else was.version):
            yield f"claim {was.id} is as the person saw it"
    if slot is None or before.lines.get(slot.event_id) or step.kind not in SINGLE:
        return
    overdue = {claim.id for claim in before.all(SlotReservation) if claim.slot_id == slot.id and before.overdue(claim)}
    if refusal.code == "SLOT_FULL":
        gone = sum(before.rows[SlotReservation][id].spots for id in overdue)
        if slot.reserved_count - gone + details["spots"] <= slot.capacity:
            yield f"slot {slot.id} is full only of holds that are over"
    if refusal.code == "SEATS_TAKEN":
        wanted = set(details.get("seat_ids") or ())
        free = {
            seat.seat_id for seat in before.seats(slot) if seat.state == "available" or seat.reservation_id in overdue
        }
        if (wanted and wanted & free) or (not wanted and len(free) >= details["spots"]):
            yield f"seats of slot {slot.id} are taken only by holds that are over"


SINGLE = frozenset({
    "reservation.reserve", "reservation.hold", "reservation.move", "reservation.reinstate", "reservation.walk_in",
    "reservation.update",
})  # fmt: skip
"""Kinds that want places in one slot once, so that what they lacked can be told from the rows before."""

APPLIED = (_overbooked, _promoted, _order, _open, _two_places, _rooms, _holds, _stale)
REFUSED = (_in_vain,)
