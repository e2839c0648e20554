"""``participant.erase``: forget who somebody was. That there was somebody, where and when, stays and is counted.

The row keeps its id and nothing else; what people merged into him held goes with it, and so do name, contact and wishes
on claims of his alone, those that left long ago too. Whatever his claims lead to (their members, slot, block, event and
room) and flags about him no longer repeat his name. What the ledger says the authority redacts in the same transaction,
and each desk in its outbox (``redaction.py``). A person who left can be erased too; a name that a staff member typed
where no claim of his leads can't be found by anybody, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import structs

from server_sync.protocol.errors import ERASED, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Flag,
    Location,
    Participant,
    Record,
    SlotReservation,
)
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.redaction import ERASED_NAME, Forgotten
from server_sync.rules.reserve import Reason
from server_sync.rules.state import (
    FLAGS_ABOUT,
    MEMBERS,
    MEMBERS_EVER,
    MEMBERSHIPS_EVER,
    MERGED_INTO,
    Changes,
    Keys,
    RowKey,
    State,
    named_key,
)

_WHERE: Final[dict[type[Record], str]] = {
    EventSlot: "slot_id", EventTimeBlock: "time_block_id", Event: "event_id", Location: "location_id",
}  # fmt: skip
"""What a claim names, by the field that does."""


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """Who is forgotten, and why (a request, a deadline): this can't be undone."""

    participant_id: GivenId
    reason: Reason


def needs(command: Command[Args], loaded: State) -> Keys:
    """The person with all that was ever merged into him, every claim that they were in, and where that is."""
    return needs_erase(loaded, command.args.participant_id)


def needs_erase(loaded: State, participant_id: Id) -> Keys:
    """What ``forget`` must see.

    What his claims lead to is read, and locked only where it repeats him: others want those rows all day.
    """
    keys = Keys(lock={(Participant, participant_id)}, find={(MERGED_INTO, participant_id)})
    selves = _selves(loaded, participant_id)
    keys.lock |= {(Participant, id) for id in selves}
    for id in selves:
        keys.find.add((MEMBERSHIPS_EVER, id))
        claims = [member.reservation_id for member in loaded.find(MEMBERSHIPS_EVER, id)]
        keys.lock |= {(SlotReservation, claim) for claim in claims}
        keys.read |= {key for claim in claims for key in _where(loaded.get(SlotReservation, claim))}
        keys.find |= {(index, claim) for claim in claims for index in (MEMBERS, MEMBERS_EVER)}
        person = loaded.get(Participant, id)
        if person is None:
            continue
        for about in (f"participants/{id}", *(f"slot_reservations/{claim}" for claim in sorted(set(claims)))):
            key = named_key(person.programme_id, about)
            keys.find.add((FLAGS_ABOUT, key))
            keys.lock |= {(Flag, flag.id) for flag in loaded.find(FLAGS_ABOUT, key)}
    known_as = _known_as(person for id in selves if (person := loaded.get(Participant, id)) is not None)
    for record, id in keys.read:
        row = loaded.get(record, id)
        if row is not None and known_as.row(row) != row:
            keys.lock.add((record, id))
    return keys


def _known_as(people: Iterable[Participant]) -> Forgotten:
    """What all of them, who are one person, were called."""
    people = list(people)
    known_as = Forgotten(frozenset(person.id for person in people))
    for person in people:
        known_as.learn(structs.asdict(person))
    return known_as


def _where(claim: SlotReservation | None) -> list[RowKey]:
    """The rows of the programme that a claim leads to."""
    return [] if claim is None else [(record, getattr(claim, field)) for record, field in _WHERE.items()]


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The rows without what tells who it was."""
    person = state.get(Participant, command.args.participant_id)
    if person is None or person.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"participant_id": command.args.participant_id})
    if person.merged_into is not None:
        return Refusal(NOT_FOUND, {"participant_id": person.id, "merged_into": person.merged_into})
    if person.erased:
        return Refusal(ERASED, {"participant_id": person.id})
    draft = Draft(state)
    forgotten = forget(draft, person.id)
    return Changes(draft.puts, {"participant_id": person.id}, forgotten)


def forget(draft: Draft, participant_id: Id) -> Forgotten:
    """Redact the rows; returns whom all else is to forget."""
    people = [person for id in _selves(draft, participant_id) if (person := draft.get(Participant, id)) is not None]
    known_as = _known_as(people)
    ids = known_as.ids
    claims = {
        member.reservation_id: draft.get(SlotReservation, member.reservation_id)
        for id in ids
        for member in draft.find(MEMBERSHIPS_EVER, id)
    }
    forgotten = set(ids)
    others: list[Record] = []  # that may repeat what he is called
    for claim in sorted((claim for claim in claims.values() if claim is not None), key=lambda claim: claim.id):
        party = draft.find(MEMBERS_EVER if claim.deleted else MEMBERS, claim.id)
        his = bool(party) and {member.participant_id for member in party} <= ids
        if his:
            forgotten.add(claim.id)
        bare = (_bare if his else _without)(claim, known_as)
        if bare != claim:
            draft.write(structs.replace(bare, version=claim.version + 1))
        others += draft.find(MEMBERS_EVER, claim.id)
        others += [row for record, id in _where(claim) if (row := draft.get(record, id)) is not None]
    subjects = [*(f"participants/{id}" for id in sorted(ids)), *(f"slot_reservations/{id}" for id in sorted(claims))]
    programme = people[0].programme_id if people else ""
    others += [flag for about in subjects for flag in draft.find(FLAGS_ABOUT, named_key(programme, about))]
    for row in {(type(row), row.id): row for row in others}.values():
        told = known_as.row(row)
        if told != row:
            draft.write(told)
    draft.write(*(nameless(person) for person in people))
    looked_through = {row.id for row in others} | {id for id in claims if id not in forgotten}
    return Forgotten(frozenset(forgotten), frozenset(looked_through), known_as.texts, known_as.codes)


def _selves(state: State, participant_id: Id) -> list[Id]:
    return [participant_id, *(person.id for person in state.find(MERGED_INTO, participant_id))]


def nameless(person: Participant) -> Participant:
    """*person* as nobody in particular. The group stays: its size is no secret of his."""
    return Participant(
        id=person.id,
        programme_id=person.programme_id,
        deleted=person.deleted,
        display_name=ERASED_NAME,
        ref=person.ref,
        group_id=person.group_id,
        merged_into=person.merged_into,
        erased=True,
    )


def _bare(claim: SlotReservation, known_as: Forgotten) -> SlotReservation:
    """A claim of his alone, without what tells of him."""
    bare = structs.replace(claim, reserved_name=None, reserved_contact=None, special_requirements=None, metadata=None)
    return known_as.row(bare)


def _without(claim: SlotReservation, known_as: Forgotten) -> SlotReservation:
    """A party's claim, without what names him or is his own contact."""
    without, contact = known_as.row(claim), claim.reserved_contact
    return structs.replace(without, reserved_contact=contact if without.reserved_contact == contact else None)


RULE = Rule("participant.erase", Args, "admin", needs, decide, bulk=True)
