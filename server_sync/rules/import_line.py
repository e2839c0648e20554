"""The lines that an import meets: whoever waits gets what the file frees or adds, after the file's own claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim
from server_sync.protocol.records import EventSlot, EventTimeBlock, Record, SlotReservation
from server_sync.rules.draft import Draft
from server_sync.rules.import_plan import WHOLE, Plan
from server_sync.rules.state import CLAIMS, EVENTS, SLOTS, Index, Keys, R, State, takes_places
from server_sync.rules.waitlist import serve

_WHOLE: Final[frozenset[type[Record]]] = frozenset(index.record for index in WHOLE)


class Line:
    """Everybody who waits in the programme, and which claims of the file took places before them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._waiting: list[SlotReservation] = [c for c in plan.there(CLAIMS) if c.claim == "waitlisted"]
        self._events = {event.id for event in plan.there(EVENTS) if event.waitlist_enabled}
        self._events |= {claim.event_id for claim in self._waiting}
        self._passed: list[tuple[ImportClaim, EventSlot]] = []

    def pass_by(self, said: ImportClaim, slot: EventSlot) -> None:
        """A claim of the file takes places in *slot*."""
        if slot.event_id in self._events:
            self._passed.append((said, slot))

    def serve(self, ask: Keys | None) -> None:
        """Promote, over all that the import writes, whoever fits; with *ask* a rehearsal, as ``waitlist.serve``."""
        plan, freed = self._plan, set(self._freed())
        if not freed and not self._waiting:
            return
        draft = Draft(_AllAtHand(plan.state, Keys() if ask is None else ask))
        draft.write(*plan.puts())
        own = len(draft.puts)
        plan.promoted = serve(draft, freed, ask)
        plan.promotions = draft.puts[own:]

    def passed(self) -> Iterator[tuple[ImportClaim, int]]:
        """Each claim of the file that has a place before others who still wait for one there, and how many do."""
        promoted = set(self._plan.promoted)
        left = [claim for claim in self._waiting if claim.id not in promoted]
        anywhere = Counter(claim.event_id for claim in left if claim.any_slot)
        there = Counter(claim.slot_id for claim in left if not claim.any_slot)
        for said, slot in self._passed:
            waiting = there[slot.id] + anywhere[slot.event_id]
            if waiting:
                yield said, waiting

    def _freed(self) -> Iterator[Id]:
        """The slots where a line is kept that come, go, move or take another number; those of such blocks; those left.

        Also where fewer are taken than before: a party that fits nowhere any more is in nobody's way.
        """
        plan, known = self._plan, self._plan.state.known
        for slot in plan.written_rows(EventSlot):
            if slot.event_id in self._events and _differs(known(EventSlot, slot.id), slot):
                yield slot.id
        blocks = {
            block.id
            for block in plan.written_rows(EventTimeBlock)
            if block.event_id in self._events and _limit(block) != _limit(known(EventTimeBlock, block.id))
        }
        if blocks:
            yield from (slot.id for slot in plan.there(SLOTS) if slot.time_block_id in blocks)
        for claim in plan.written_rows(SlotReservation):
            before = known(SlotReservation, claim.id)
            if before is None or before.event_id not in self._events:
                continue
            if takes_places(before) and before.slot_id != claim.slot_id:
                yield before.slot_id


def _differs(before: EventSlot | None, after: EventSlot) -> bool:
    """Whether somebody may have a place who had none."""
    fields = ("capacity", "start_time", "end_time", "deleted")
    return before is None or any(getattr(before, name) != getattr(after, name) for name in fields)


def _limit(block: EventTimeBlock | None) -> int | None:
    return None if block is None else block.max_capacity


class _AllAtHand(State):
    """A state that notes in ``keys`` what it was asked, save what is there anyhow: all rows of the programme."""

    def __init__(self, base: State, keys: Keys) -> None:
        super().__init__()
        self.now = base.now
        self.tentative = base.tentative
        self._base = base
        self._keys = keys

    def get(self, record: type[R], id: Id | None) -> R | None:
        """As ``State.get``."""
        row = self._base.known(record, id) if id is not None else None
        if row is None and id is not None:
            self._keys.read.add((record, id))
            row = self._base.get(record, id)
        return row

    def known(self, record: type[R], id: Id) -> R | None:
        """As ``State.known``."""
        return self._base.known(record, id)

    def find(self, index: Index, key: str) -> list[Any]:
        """As ``State.find``."""
        if index.record in _WHOLE:
            return State.find(self._base, index, key)
        self._keys.find.add((index, key))
        return self._base.find(index, key)
