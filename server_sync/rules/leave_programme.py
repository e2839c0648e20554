"""``participant.retire`` and ``group.retire``: they leave the programme. What still holds a place must be said so.

With ``cancel_claims`` and a reason, what is theirs alone is cancelled and deleted (with what had ended before), a party
goes on with one fewer, and whoever waits gets what that frees. With ``erase`` a person is forgotten as well: erase.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import HAS_PEOPLE, NOT_FOUND, REASON_NEEDED, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Group, Participant, SlotReservation
from server_sync.rules.claims import leave, release
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.erase import forget, needs_erase
from server_sync.rules.freed import freed_slots
from server_sync.rules.leaving import alone, holds, take_out
from server_sync.rules.overdue import ran_out
from server_sync.rules.people import existing_group, leaving_group
from server_sync.rules.reserve import Reason
from server_sync.rules.state import (
    CLAIMS_OF_GROUP,
    MEMBERS,
    MEMBERSHIPS_OF_PERSON,
    PEOPLE_OF_GROUP,
    Changes,
    Keys,
    State,
)
from server_sync.rules.waitlist import needs_release, promoted_answer, serve


class RetireParticipant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who leaves, and what becomes of the places that are held for him."""

    participant_id: GivenId
    cancel_claims: bool = False
    reason: Reason | None = None
    erase: bool = False


class RetireGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which group leaves; its people stay."""

    group_id: GivenId
    cancel_claims: bool = False
    reason: Reason | None = None


def may_cancel(args: RetireParticipant | RetireGroup, claims: Iterable[SlotReservation]) -> Refusal | None:
    """``HAS_PEOPLE`` if there are *claims* and nobody said what is to become of them."""
    ids = sorted(claim.id for claim in claims)
    if ids and not args.cancel_claims:
        return Refusal(HAS_PEOPLE, {"reservation_ids": ids})
    if args.cancel_claims and args.reason is None:
        return Refusal(REASON_NEEDED, {"field": "reason"})
    return None


# ---------------------------------------------------------------- participants


def needs(command: Command[RetireParticipant], loaded: State) -> Keys:
    """The person, what is held for him, and whoever gets that."""
    id = command.args.participant_id
    keys = Keys(lock={(Participant, id)}, find={(MEMBERSHIPS_OF_PERSON, id)})
    for member in loaded.find(MEMBERSHIPS_OF_PERSON, id):
        keys.lock.add((SlotReservation, member.reservation_id))
        keys.find.add((MEMBERS, member.reservation_id))
        claim = loaded.get(SlotReservation, member.reservation_id)
        if claim is not None and holds(claim):
            needs_release(keys, loaded, claim)
    if command.args.erase:
        keys |= needs_erase(loaded, id)
    _retire(loaded, command, loaded.now, keys)
    return keys


def decide(state: State, command: Command[RetireParticipant], now: datetime) -> Changes | Refusal:
    """The person gone from the programme, and the places given to whoever waited for them."""
    return _retire(state, command, now)


def _retire(
    state: State, command: Command[RetireParticipant], now: datetime | None, ask: Keys | None = None
) -> Changes | Refusal:
    args, draft = command.args, Draft(state)
    person = state.get(Participant, args.participant_id)
    if person is None or person.deleted or person.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"participant_id": args.participant_id})
    if person.merged_into is not None:
        return Refusal(NOT_FOUND, {"participant_id": person.id, "merged_into": person.merged_into})
    problem = may_cancel(args, _standing(_claims(draft, person.id), now))
    if problem is not None:
        return problem
    forgotten = forget(draft, person.id) if args.erase and not person.erased else None
    claims = _claims(draft, person.id)
    his = {claim.id for claim in claims if alone(draft, claim, person.id)}
    for claim in claims:
        take_out(draft, claim, person.id, now)
        if claim.id in his:
            leave(draft, draft.get(SlotReservation, claim.id) or claim)
    row = draft.get(Participant, person.id) or person
    draft.write(structs.replace(row, deleted=True, group_id=None))
    held = [claim for claim in claims if holds(claim)]
    promoted = serve(draft, freed_slots(*held), ask)
    cancelled = [claim.id for claim in held if claim.id in his]
    left = [claim.id for claim in held if claim.id not in his]
    answer = {"participant_id": person.id, "cancelled": cancelled, "left": left, **promoted_answer(promoted)}
    return Changes(draft.puts, answer, forgotten)


def _standing(claims: Iterable[SlotReservation], now: datetime | None) -> list[SlotReservation]:
    """Those of *claims* that end only if somebody says so: what ran out has ended by itself."""
    return [claim for claim in claims if holds(claim) and not ran_out(claim, now)]


def _claims(state: State, person: Id) -> list[SlotReservation]:
    """Every claim that *person* is in; those that have ended too, or one might be reinstated with him in it."""
    ids = sorted({member.reservation_id for member in state.find(MEMBERSHIPS_OF_PERSON, person)})
    found = (state.get(SlotReservation, id) for id in ids)
    return [claim for claim in found if claim is not None and not claim.deleted]


# ---------------------------------------------------------------------- groups


def needs_group(command: Command[RetireGroup], loaded: State) -> Keys:
    """The group, its people, what is held for it, and whoever gets that."""
    id = command.args.group_id
    keys = Keys(lock={(Group, id)}, find={(PEOPLE_OF_GROUP, id), (CLAIMS_OF_GROUP, id)})
    keys.lock |= {(Participant, person.id) for person in loaded.find(PEOPLE_OF_GROUP, id)}
    for claim in loaded.find(CLAIMS_OF_GROUP, id):
        if holds(claim):
            needs_release(keys, loaded, claim)
    _retire_group(loaded, command, loaded.now, keys)
    return keys


def decide_group(state: State, command: Command[RetireGroup], now: datetime) -> Changes | Refusal:
    """The group gone; its people are in none."""
    return _retire_group(state, command, now)


def _retire_group(
    state: State, command: Command[RetireGroup], now: datetime | None, ask: Keys | None = None
) -> Changes | Refusal:
    args, draft = command.args, Draft(state)
    group = existing_group(state, command, args.group_id)
    if isinstance(group, Refusal):
        return group
    claims = [claim for claim in draft.find(CLAIMS_OF_GROUP, group.id) if holds(claim)]
    problem = may_cancel(args, _standing(claims, now))
    if problem is not None:
        return problem
    for claim in claims:
        leave(draft, release(draft, claim, "cancelled", cancelled_at=now))
    draft.write(*leaving_group(draft.find(PEOPLE_OF_GROUP, group.id)), structs.replace(group, deleted=True))
    promoted = serve(draft, freed_slots(*claims), ask)
    return draft.changes(
        {"group_id": group.id, "cancelled": [claim.id for claim in claims], **promoted_answer(promoted)}
    )


RULES: list[Rule[Any]] = [
    Rule("participant.retire", RetireParticipant, "admin", needs, decide, bulk=True),
    Rule("group.retire", RetireGroup, "admin", needs_group, decide_group),
]
