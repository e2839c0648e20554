"""``event.postpone``, ``block.postpone``, ``location.postpone``: later, or earlier, with all slots and people.

Nobody loses a place. Who would be in two places at once, and what would meet in a room, is listed and refused; with a
reason it is waived. What overlapped before is nobody's news.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import structs

from server_sync.protocol.errors import CANCELLED, DOUBLE_BOOKED, INVALID, NOTHING_TO_DO, ROOM_TAKEN, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    EventSlot,
    EventTimeBlock,
    Location,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.changing import change
from server_sync.rules.command import YEARS, Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.extent import Extent, OfBlock, OfEvent, OfLocation, extent
from server_sync.rules.outcome import Outcome, people_of
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import Reason
from server_sync.rules.rooms import in_room, used_by
from server_sync.rules.state import COMMITMENTS, MEMBERS, Keys

Minutes = Annotated[int, msgspec.Meta(ge=-525_600, le=525_600)]


class PostponeEvent(OfEvent, frozen=True, kw_only=True, omit_defaults=True):
    """By how much (less than nothing brings it forward), or when its first block is to start; and why."""

    minutes: Minutes | None = None
    start_time: datetime | None = None
    reason: Reason | None = None
    waive_reason: Reason | None = None


class PostponeBlock(OfBlock, frozen=True, kw_only=True, omit_defaults=True):
    """By how much (less than nothing brings it forward), or when it is to start; and why."""

    minutes: Minutes | None = None
    start_time: datetime | None = None
    reason: Reason | None = None
    waive_reason: Reason | None = None


class PostponeLocation(OfLocation, frozen=True, kw_only=True, omit_defaults=True):
    """By how much what starts between the times is later (less than nothing: earlier), or when it starts; and why."""

    BY_START: ClassVar[bool] = True

    minutes: Minutes | None = None
    start_time: datetime | None = None
    reason: Reason | None = None
    waive_reason: Reason | None = None


Span = tuple[datetime, datetime]


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _span(row: EventTimeBlock | EventSlot | ReservationMember) -> Span:
    return row.start_time, row.end_time


def postpone(draft: Draft, command: Command[Any], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """All of it at its new time, or the list of what clashes."""
    what = extent(draft, command)
    if isinstance(what, Refusal):
        return what
    blocks = [block for block in what.blocks if block.status != "cancelled"]
    blocks.sort(key=lambda block: (block.start_time, block.id))
    if what.blocks and not blocks and what.room is None:
        return Refusal(CANCELLED, {"reason": what.blocks[0].status_reason})
    by = _by(what, blocks, command.args)
    if isinstance(by, Refusal):
        return by
    moving = _Moving(draft, ask, by, blocks, what.slots, command.args.waive_reason)
    moving.run()
    if moving.outcome.clashes and command.args.waive_reason is None:
        return moving.refusal()
    if what.event is not None:
        ends = {"master_start": what.event.master_start, "master_end": what.event.master_end}
        change(draft, what.event, {name: time + by for name, time in ends.items() if time is not None})
    moving.outcome.serve(draft, ask)
    return moving.outcome.answer(minutes=int(by.total_seconds() // 60), blocks=len(blocks), slots=len(moving.slots))


def _by(what: Extent, blocks: list[EventTimeBlock], args: Any) -> timedelta | Refusal:
    """How much later."""
    if (args.minutes is None) == (args.start_time is None):
        return Refusal(INVALID, {"field": "minutes", "problem": "say either minutes or start_time"})
    starts = [block.start_time for block in blocks]
    if what.event is not None and what.event.master_start is not None and not starts:
        starts = [what.event.master_start]
    if not starts:
        return Refusal(NOTHING_TO_DO, {"problem": "nothing is planned there"})
    by = timedelta(minutes=args.minutes) if args.minutes is not None else args.start_time - starts[0]
    if not by:
        return Refusal(NOTHING_TO_DO, {"problem": "it starts then already"})
    last = max([block.end_time for block in blocks], default=starts[0])
    if (starts[0] + by).year not in YEARS or (last + by).year not in YEARS:
        return Refusal(INVALID, {"field": "minutes", "problem": f"{starts[0] + by:%Y} is out of range"})
    return by


@dataclass(slots=True)
class _Moving:
    """Blocks on their way to another time, and what they meet there: all move alike, so only what stays matters."""

    draft: Draft
    ask: Keys
    by: timedelta
    blocks: list[EventTimeBlock]
    all_slots: Iterable[EventSlot]
    reason: str | None
    outcome: Outcome = field(default_factory=Outcome)
    slots: list[EventSlot] = field(default_factory=list)
    rooms_taken: bool = False

    def run(self) -> None:
        """Write everything at its new time, waived where it has to be; the clashes are in the outcome."""
        ours = {block.id for block in self.blocks}
        self.slots = [slot for slot in self.all_slots if slot.time_block_id in ours]
        claims = people_of(self.draft, self.slots)
        places = {slot.id: (slot.start_time + self.by, slot.end_time + self.by) for slot in self.slots}
        theirs = {claim.id for claim in claims}
        blocks = [self._block(block, ours) for block in self.blocks]
        moved: list[ReservationMember | SlotReservation] = []
        for claim in claims:
            self.outcome.moved.append(self.outcome.entry(self.draft, claim))
            versions = {"version": claim.version + 1, "placement_version": claim.placement_version + 1}
            moved.append(structs.replace(claim, **versions))
            moved += [self._member(m, places[claim.slot_id], theirs) for m in self.draft.find(MEMBERS, claim.id)]
        self.draft.write(*blocks)
        for slot in self.slots:
            start, end = places[slot.id]
            self.draft.write(structs.replace(slot, start_time=start, end_time=end))
        self.draft.write(*moved)
        self.outcome.freed = set(places)

    def refusal(self) -> Refusal:
        """What stands in the way."""
        code = ROOM_TAKEN if self.rooms_taken else DOUBLE_BOOKED
        return Refusal(code, {"clashes": self.outcome.clashes, "counts": self.outcome.answer()["counts"]})

    def _later(self, span: Span) -> Span:
        return span[0] + self.by, span[1] + self.by

    def _block(self, block: EventTimeBlock, ours: set[Id]) -> EventTimeBlock:
        """The block at its new time, waived if it newly shares its room with something."""
        self.ask.lock.add((Location, block.location_id))
        old, new = _span(block), self._later(_span(block))
        there = in_room(self.draft, block.location_id, *new, except_for=ours)
        new_ones = [other for other in there if not _overlap(_span(other), old)]
        self.outcome.clashes += [
            {"what": "room", "moves_block_id": block.id, "moves_event_id": block.event_id, **used_by(other)}
            for other in new_ones
        ]
        self.rooms_taken = self.rooms_taken or bool(new_ones)
        beside = [b for b in self.blocks if b.id != block.id and b.location_id == block.location_id]
        shares = bool(there) or any(_overlap(_span(other), old) for other in beside)
        waived, reason = self._waiver(block.waived, block.waived_reason, bool(new_ones), shares)
        return structs.replace(block, start_time=new[0], end_time=new[1], waived=waived, waived_reason=reason)

    def _member(self, member: ReservationMember, new: Span, theirs: set[Id]) -> ReservationMember:
        """The member at the new time, waived if that is one at which the person is newly somewhere else."""
        times = structs.replace(member, start_time=new[0], end_time=new[1])
        self.ask.lock.add((Participant, member.participant_id))
        if not member.live:
            return times
        old = _span(member)
        others = [m for m in self.draft.find(COMMITMENTS, member.participant_id) if m.live and m.id != member.id]
        there = [m for m in others if m.reservation_id not in theirs and _overlap(_span(m), new)]
        new_ones = [m for m in there if not _overlap(_span(m), old)]
        self.outcome.clashes += [self._clash(member, other) for other in new_ones]
        shares = bool(there) or any(m.reservation_id in theirs and _overlap(_span(m), old) for m in others)
        waived, reason = self._waiver(member.waived, member.waived_reason, bool(new_ones), shares)
        return structs.replace(times, waived=waived, waived_reason=reason)

    def _waiver(self, waived: bool, reason: str | None, clashes: bool, shares: bool) -> tuple[bool, str | None]:
        """Waived by this command's reason, as it was, or no longer since nothing is in the way any more."""
        if clashes:
            return True, self.reason
        return (waived, reason) if shares else (False, None)

    def _clash(self, member: ReservationMember, other: ReservationMember) -> dict[str, Any]:
        return {
            "what": "person",
            "participant_id": member.participant_id,
            "moves_reservation_id": member.reservation_id,
            "reservation_id": other.reservation_id,
            "slot_id": other.slot_id,
            "start_time": other.start_time,
            "end_time": other.end_time,
        }


RULES: Final[list[Rule[Any]]] = [
    rehearsed("event.postpone", PostponeEvent, postpone, bulk=True),
    rehearsed("block.postpone", PostponeBlock, postpone, bulk=True),
    rehearsed("location.postpone", PostponeLocation, postpone, bulk=True),
]
