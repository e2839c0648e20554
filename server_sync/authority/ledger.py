"""The ledger's view of a command: its hash, its effects, its row, and a stored verdict read back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from hashlib import blake2b
from typing import Any, Final

import msgspec

from server_sync.authority.load import Known
from server_sync.authority.principal import Principal
from server_sync.authority.store import LedgerRow
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import ALREADY_EXISTS, BUSY, INVALID, NOT_ALLOWED, UNKNOWN_KIND, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record
from server_sync.rules.state import Effect, RowKey, State

_ENCODER: Final = msgspec.json.Encoder()
_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")

UNREADABLE_CODES: Final = frozenset({INVALID, NOT_ALLOWED, UNKNOWN_KIND})
"""Refusals of a request that never became a command: recorded for a device's queue, not for a single request."""


def command_hash(envelope: Envelope) -> str:
    """Sixteen bytes that tell two commands under one id apart, in Postgres' hex notation."""
    try:
        args: Any = msgspec.json.decode(envelope.args)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        args = bytes(envelope.args).hex()
    said = _CANONICAL.encode([envelope.kind, envelope.v, args, envelope.occurred_at])
    return "\\x" + blake2b(said, digest_size=16).hexdigest()


def encode_effects(effects: Sequence[Effect], encoded: dict[RowKey, bytes]) -> msgspec.Raw:
    """``[[table, id, before, after], …]``: a new row whole, of a changed one what changed (None included)."""
    return msgspec.Raw(_ENCODER.encode([_effect(effect, encoded) for effect in effects]))


def _effect(effect: Effect, encoded: dict[RowKey, bytes]) -> list[Any]:
    before, after = effect
    table = type(after).TABLE
    if before is None:
        return [table, after.id, None, msgspec.Raw(encoded[type(after), after.id])]
    return [table, after.id, *_difference(before, after)]


def _difference(before: Record, after: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    old, new = {}, {}
    for name in after.__struct_fields__:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            old[name], new[name] = was, now
    return old, new


_UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ABOUT: Final = ("reservation_id", "slot_id", "participant_id", "group_id")


def touched(envelope: Envelope, effects: Sequence[Effect]) -> list[Id]:
    """The rows that a command wrote, those that they are about, and whatever its arguments name, each once."""
    found = {id.decode() for id in _UUID.findall(bytes(envelope.args))}
    for before, after in effects:
        found.add(after.id)
        for row in (before, after):
            found |= {id for name in _ABOUT if (id := getattr(row, name, None)) is not None}
    return sorted(found)


def ledger_row(
    envelope: Envelope,
    principal: Principal,
    programme_id: Id | None,
    hash: str,
    incarnation: int | None,
    result: Result,
    effects: Sequence[Effect],
    encoded: dict[RowKey, bytes],
) -> LedgerRow:
    """The row that records *result*."""
    return LedgerRow(
        id=envelope.id,
        programme_id=programme_id,
        principal=principal.id,
        actor=envelope.actor or principal.actor,
        device_id=principal.device_id,
        incarnation=incarnation,
        seq=None if incarnation is None else envelope.seq,
        kind=envelope.kind[:200],
        v=envelope.v,
        args=storable(envelope.args),
        hash=hash,
        status=result.status,
        code=result.code,
        details=None if result.details is None else msgspec.Raw(_ENCODER.encode(result.details)),
        effects=encode_effects(effects, encoded) if effects else None,
        touched=touched(envelope, effects),
        occurred_at=_said_at(envelope),
    )


def _said_at(envelope: Envelope) -> str | None:
    """The device's own time, in UTC: offsets that Postgres has no room for, and years without a UTC, are let go."""
    try:
        return None if envelope.occurred_at is None else envelope.occurred_at.astimezone(UTC).isoformat()
    except OverflowError:
        return None


def storable(args: msgspec.Raw) -> msgspec.Raw:
    """*args* as Postgres can keep it: what is no JSON, or null, or holds NUL, is kept as a string that shows it."""
    try:
        there = msgspec.json.decode(args) is not None  # a null would become the column's own NULL, which it refuses
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        there = False
    if not there:
        return msgspec.Raw(_ENCODER.encode(bytes(args).decode("utf-8", "backslashreplace")))
    if b"\\u0000" in bytes(args):
        return msgspec.Raw(bytes(args).replace(b"\\u0000", b"\\ufffd"))
    return args


def same_command(known: Known, principal: Principal, hash: str) -> bool:
    """Whether what the ledger holds under an id is what *principal* asks for again, not another command."""
    return known.principal == principal.id and known.hash == hash[2:]


def taken(state: State, id: Id) -> Refusal | None:
    """The row that bears a command's id is new, always: an id chosen badly must not overwrite somebody's row."""
    return Refusal(ALREADY_EXISTS, {"id": id}) if any(id in rows for rows in state.rows.values()) else None


def replayed(known: Known) -> Result:
    """The verdict that the ledger holds."""
    status: Any = known.status
    return Result(id=known.id, status=status, code=known.code, details=known.details)


def applied(id: Id, answer: dict[str, Any]) -> Result:
    """The verdict on a command that did something."""
    return Result(id=id, status="applied", details=answer or None)


def rejected(id: Id, refusal: Refusal) -> Result:
    """The verdict on a command that was refused."""
    assert refusal.code != BUSY, "busy is no verdict"
    return Result(id=id, status="rejected", code=refusal.code, details=refusal.details or None)
