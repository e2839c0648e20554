"""Forgetting on a desk whoever the centre erased: in what was asked here and has its verdict.

The rows and results of the cache come redacted from the centre. A command that still waits keeps its arguments, since
they are what is sent; it is looked at again when it has its verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import structs

from desktop.store.outbox import Queued
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Participant, Record, SlotReservation
from server_sync.rules.redaction import Forgotten
from server_sync.rules.state import MEMBERS, MEMBERSHIPS_OF_PERSON, State


def erased_in(rows: Iterable[Record]) -> set[Id]:
    """The people among *rows* who were erased."""
    return {row.id for row in rows if isinstance(row, Participant) and row.erased}


def whom_to_forget(state: State, erased: set[Id]) -> Forgotten:
    """*erased* people, their own claims, and what the rows of *state* (as they were before) call them."""
    memberships = [member for id in sorted(erased) for member in state.find(MEMBERSHIPS_OF_PERSON, id)]
    claims = {
        member.reservation_id
        for member in memberships
        if {other.participant_id for other in state.find(MEMBERS, member.reservation_id)} <= erased
    }
    who = Forgotten(frozenset(erased | claims))
    for record, ids in ((Participant, erased), (SlotReservation, claims)):
        for id in ids:
            row = state.known(record, id)
            who.learn(None if row is None else structs.asdict(row))
    return who


def redacted(who: Forgotten, queue: Iterable[Queued], results: Mapping[Id, Result]) -> dict[Id, Envelope]:
    """The envelopes of settled commands about *who* as they are once they say nothing of him, where that differs."""
    changed: dict[Id, Envelope] = {}
    for queued in queue:
        result = results.get(queued.id)
        if result is None and queued.resolution is None:
            continue
        refused = result is not None and result.status != "applied"  # nothing else tells whom it would have made
        if not refused and not (queued.id in who.ids or any(id.encode() in queued.raw for id in who.ids)):
            continue
        envelope = queued.envelope
        try:
            args = msgspec.json.decode(envelope.args)
        except msgspec.MsgspecError:
            continue
        without = who.args(envelope.kind, envelope.id, args, created=refused and who.called(args))
        if without != args:
            changed[queued.id] = structs.replace(envelope, args=msgspec.Raw(msgspec.json.encode(without)))
    return changed
