"""``participant.merge``: two rows were one person. What the duplicate held, did and is known by goes to who stays.

Facts are never changed: those of the duplicate that stand are appended once more for who stays, under the command that
said them, so that an undo of that command undoes them too. Where both have one place (in a slot, or in the lines of an
event), the better of the two is kept and the other given back; of two equal ones the one with more guests, who were the
same guests, said twice. Nobody is taken out of an ensemble for a place of his own. A place in line, or a hold, for more
guests than the better place has is not thrown away unasked, nor is a place for an ensemble's in line: that merge is
refused. The duplicate's row stays, names whom it was merged into, and takes no commands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import ALREADY_RESERVED, DOUBLE_BOOKED, SAME_PERSON, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Participant, ReservationMember, SlotReservation
from server_sync.rules.attendance import that_stand
from server_sync.rules.claims import release
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.leaving import alone, holds, take_out
from server_sync.rules.overdue import ran_out
from server_sync.rules.people import living
from server_sync.rules.reserve import Reason
from server_sync.rules.state import FACTS, MEMBERSHIPS_OF_PERSON, MERGED_INTO, Changes, Keys, State
from server_sync.rules.waitlist import needs_release, promoted_answer, serve

FILLED = ("first_name", "last_name", "external_id", "school", "grade", "age", "group_id", "contact", "metadata")
"""What who stays takes over from the duplicate where nothing is known of it."""

_BETTER = {"reserved": 0, "held": 1, "waitlisted": 2}


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who stays, and who turned out to be the same. With ``waive_reason`` he may be in two places at once."""

    participant_id: GivenId
    duplicate_id: GivenId
    waive_reason: Reason | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """Both people, all their claims with facts, and whoever gets a place that was held twice."""
    both = (command.args.participant_id, command.args.duplicate_id)
    keys = Keys(lock={(Participant, id) for id in both}, find={(MERGED_INTO, command.args.duplicate_id)})
    keys.lock |= {(Participant, row.id) for row in loaded.find(MERGED_INTO, command.args.duplicate_id)}
    for id in both:
        keys.find.add((MEMBERSHIPS_OF_PERSON, id))
        for member in loaded.find(MEMBERSHIPS_OF_PERSON, id):
            keys.lock.add((SlotReservation, member.reservation_id))
            keys.find.add((FACTS, member.reservation_id))
            claim = loaded.get(SlotReservation, member.reservation_id)
            if claim is not None:
                needs_release(keys, loaded, claim)
    _merge(loaded, command, loaded.now, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """Everything of the duplicate with who stays."""
    return _merge(state, command, now)


def _merge(state: State, command: Command[Args], now: datetime | None, ask: Keys | None = None) -> Changes | Refusal:
    args = command.args
    stays, duplicate = living(state, command, args.participant_id), living(state, command, args.duplicate_id)
    if isinstance(stays, Refusal):
        return stays
    if isinstance(duplicate, Refusal):
        return duplicate
    if stays.id == duplicate.id:
        return Refusal(SAME_PERSON, {"participant_id": stays.id})
    draft = Draft(state)
    expired = _expire(draft, (stays.id, duplicate.id), now)
    merging = _Merging(draft, command, stays.id, duplicate.id, now)
    lost = merging.thrown_away()
    if lost is not None:
        return lost
    clashes = merging.clashes()
    if clashes and args.waive_reason is None:
        return Refusal(DOUBLE_BOOKED, {"participant_id": stays.id, "clashes": [list(pair) for pair in clashes]})
    merging.claims({mine for _, mine in clashes})
    _rows(draft, stays, duplicate)
    promoted = serve(draft, freed_slots(*expired, *merging.given_back, *merging.waiting), ask)
    answer: dict[str, Any] = {"participant_id": stays.id, "duplicate_id": duplicate.id, "moved": merging.moved}
    if merging.given_back:
        answer["given_back"] = list(dict.fromkeys(claim.id for claim in merging.given_back))
    return draft.changes(answer | promoted_answer(promoted))


def _expire(draft: Draft, people: tuple[Id, Id], now: datetime | None) -> list[SlotReservation]:
    """End the holds of *people* that ran out: they are no places any more. Returns them as they were."""
    found = [
        draft.get(SlotReservation, m.reservation_id) for id in people for m in draft.find(MEMBERSHIPS_OF_PERSON, id)
    ]
    overdue = {claim.id: claim for claim in found if claim is not None and ran_out(claim, now)}
    for claim in overdue.values():
        release(draft, claim, "expired")
    return list(overdue.values())


def _rows(draft: Draft, stays: Participant, duplicate: Participant) -> None:
    """The two people, and whoever was merged into the duplicate before; an external id is given up, then taken."""
    filled = {name: getattr(duplicate, name) for name in FILLED if getattr(stays, name) is None}
    gone = structs.replace(duplicate, merged_into=stays.id, group_id=None)
    if stays.external_id is None:
        gone = structs.replace(gone, external_id=None)
    before = draft.find(MERGED_INTO, duplicate.id)
    draft.write(gone, *(structs.replace(row, merged_into=stays.id) for row in before))
    if any(value is not None for value in filled.values()):
        draft.write(structs.replace(stays, **filled))


def _one_place(one: SlotReservation, other: SlotReservation) -> bool:
    """Whether nobody needs both: they are in one slot, or one waits for any slot of the event that the other is in."""
    if not (holds(one) and holds(other)):
        return False
    either = one.any_slot or other.any_slot
    return one.slot_id == other.slot_id or (bool(either) and one.event_id == other.event_id)


class _Merging:
    """The claims of two people on their way to one of them."""

    def __init__(self, draft: Draft, command: Command[Args], stays: Id, duplicate: Id, now: datetime | None) -> None:
        self.draft = draft
        self.command = command
        self.stays = stays
        self.duplicate = duplicate
        self.now = now
        self.moved: list[Id] = []
        self.given_back: list[SlotReservation] = []
        self.waiting: list[SlotReservation] = []  # who waits in it has more, or less, time now
        self.ending = self._ending()

    def _of(self, person: Id) -> list[tuple[ReservationMember, SlotReservation]]:
        """The memberships of *person*, each with its claim."""
        found = self.draft.find(MEMBERSHIPS_OF_PERSON, person)
        pairs = ((member, self.draft.get(SlotReservation, member.reservation_id)) for member in found)
        return [(member, claim) for member, claim in pairs if claim is not None]

    def _ending(self) -> dict[Id, Id]:
        """By claim that ends, or goes on without him, the claim of the other that is the same place and is kept."""
        ending: dict[Id, Id] = {}
        for _, his in self._of(self.duplicate):
            for _, mine in self._of(self.stays):
                if his.id == mine.id or {his.id, mine.id} & ending.keys() or not _one_place(his, mine):
                    continue
                worth, other = self._worth(his, self.duplicate), self._worth(mine, self.stays)
                ends, kept = (mine, his) if worth < other else (his, mine)
                ending[ends.id] = kept.id
        return ending

    def _worth(self, claim: SlotReservation, person: Id) -> tuple[bool, int, int, bool]:
        """The less, the sooner *claim* of *person* is kept of two that are one place."""
        own = claim.group_id is None and alone(self.draft, claim, person)
        return own, _BETTER[claim.claim], -self._guests_lost(claim, person), not claim.any_slot

    def _guests_lost(self, claim: SlotReservation, person: Id) -> int:
        """How many guests have no place any more once *person* leaves *claim*: all, if it was his alone."""
        return (claim.guests or 0) if alone(self.draft, claim, person) else 0

    def thrown_away(self) -> Refusal | None:
        """Refuse if what is to end is better than what is kept, or has guests who have no room there."""
        for ends, kept in ((self._claim(ends), self._claim(kept)) for ends, kept in self.ending.items()):
            person = self.duplicate if self._is_in(ends, self.duplicate) else self.stays
            if _BETTER[ends.claim] < _BETTER[kept.claim]:
                problem = f"{ends.id} is {ends.claim}, and {kept.id}, of an ensemble, {kept.claim}: change one first"
            elif self._guests_lost(ends, person) > (kept.guests or 0):
                problem = f"{ends.id} is for {ends.guests} guests, {kept.id} for {kept.guests or 0}: change one first"
            else:
                continue
            both = {"reservation_ids": [kept.id, ends.id], "slot_id": kept.slot_id}
            return Refusal(ALREADY_RESERVED, {"participant_id": self.stays, **both, "problem": problem})
        return None

    def _claim(self, id: Id) -> SlotReservation:
        claim = self.draft.get(SlotReservation, id)
        assert claim is not None, "it was found by one of the two"
        return claim

    def _is_in(self, claim: SlotReservation, person: Id) -> bool:
        return any(other.id == claim.id for _, other in self._of(person))

    def clashes(self) -> list[tuple[Id, Id]]:
        """Pairs of claims that remain, of who stays and of the duplicate, live at one time in two places."""
        return [
            (own.reservation_id, his.reservation_id)
            for own, _ in self._of(self.stays)
            for his, _ in self._of(self.duplicate)
            if own.live and his.live and own.reservation_id != his.reservation_id
            and not {own.reservation_id, his.reservation_id} & self.ending.keys()
            and not self._is_in(self._claim(his.reservation_id), self.stays)
            and own.start_time < his.end_time and his.start_time < own.end_time
        ]  # fmt: skip

    def claims(self, waived: set[Id]) -> None:
        """Give back the one of each two places, then move what remains of the duplicate's."""
        before = [(person, claim.id) for person in (self.duplicate, self.stays) for _, claim in self._of(person)]
        for person, id in before:
            kept = self.ending.get(id)
            if kept is not None:
                ended = self._claim(id)
                self._leave(ended, person)
                self._keep_queued(self._kept(id), ended)
        for member, claim in self._of(self.duplicate):
            if claim.id in self.ending:
                continue
            if self._is_in(claim, self.stays):
                self._leave(claim, self.duplicate)
            else:
                self._move(member, claim, claim.id in waived)
        for person, id in before:
            self._tell(id, self._kept(id), person)

    def _kept(self, id: Id) -> Id:
        """Which place goes on that claim *id* was."""
        while id in self.ending:
            id = self.ending[id]
        return id

    def _move(self, member: ReservationMember, claim: SlotReservation, waived: bool) -> None:
        reason = {"waived": True, "waived_reason": self.command.args.waive_reason} if waived else {}
        self.draft.write(structs.replace(member, participant_id=self.stays, **reason))
        whose = self.stays if claim.participant_id == self.duplicate else claim.participant_id
        self.draft.write(structs.replace(claim, participant_id=whose, version=claim.version + 1))
        self.moved.append(claim.id)
        if member.waiting:
            self.waiting.append(claim)

    def _leave(self, claim: SlotReservation, person: Id) -> None:
        if holds(claim):
            self.given_back.append(claim)
        take_out(self.draft, claim, person, self.now)

    def _keep_queued(self, own: Id, other: SlotReservation) -> None:
        """Of two places in one line, the earlier one counts."""
        row = self.draft.get(SlotReservation, own)
        if row is not None and row.queued_at and other.queued_at and other.queued_at < row.queued_at:
            self.draft.write(structs.replace(row, queued_at=other.queued_at, version=row.version + 1))

    def _tell(self, source: Id, target: Id, person: Id) -> None:
        """Say of who stays in *target* what stands of *person* in *source*."""
        if person == self.stays and source == target:
            return
        facts = [fact for fact in that_stand(self.draft.find(FACTS, source)) if fact.participant_id == person]
        if not facts:
            return
        told = (
            structs.replace(
                fact, id=self.command.derive(f"{fact.id}/{target}"), reservation_id=target, participant_id=self.stays
            )
            for fact in facts
        )
        claim = self.draft.get(SlotReservation, target)
        self.draft.write(*told)
        if claim is not None and source != target:
            self.draft.write(structs.replace(claim, version=claim.version + 1))


RULE = Rule("participant.merge", Args, "admin", needs, decide)
