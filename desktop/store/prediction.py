"""Asking a rule what a command will do here, noting everything that it looked at and everything that it touched."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from server_sync.protocol.commands import Envelope
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Record, Role, SlotReservation
from server_sync.rules.command import Command, Rule, allowed, read_args, unknown_kind
from server_sync.rules.registry import rule_for
from server_sync.rules.state import INDEXES, INDEXES_OF, Effect, Index, R, RowKey, State

log = logging.getLogger(__name__)

CommandKey = tuple[Literal["command"], Id]
EntryKey = tuple[int, Id]
Key = RowKey | EntryKey | CommandKey
"""What a decision may depend on: a row, the rows under a value of an index, or another command's verdict.

An index stands in it by its number, since these keys are hashed by the ten thousand.
"""

_NUMBERS: dict[Index, int] = {index: number for number, index in enumerate(INDEXES)}
_NUMBERED = {record: tuple((_NUMBERS[index], index) for index in some) for record, some in INDEXES_OF.items()}


class WatchedState(State):
    """A state that notes what is read of it, and can take back what was put since it was asked to remember."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: set[Key] = set()
        self.journal: list[tuple[RowKey, Record | None]] | None = None

    def get(self, record: type[R], id: Id | None) -> R | None:
        """As ``State.get``; that there was nothing is noted too."""
        if id is not None:
            self.reads.add((record, id))
        return super().get(record, id)

    def find(self, index: Index, key: Id) -> list[Any]:
        """As ``State.find``."""
        self.reads.add((_NUMBERS[index], key))
        return super().find(index, key)

    def put(self, row: Record) -> None:
        """As ``State.put``."""
        if self.journal is not None:
            record = type(row)
            self.journal.append(((record, row.id), self.rows[record].get(row.id)))
        super().put(row)

    def apply(self, puts: Iterable[Record]) -> list[Effect]:
        """As ``State.apply``. What is written was looked at, and so was whatever may count a claim's places."""
        puts = list(puts)
        for row in puts:
            self.reads.add((type(row), row.id))
            for claim in (row, self.rows[type(row)].get(row.id)):
                if isinstance(claim, SlotReservation):
                    self.reads.add((EventSlot, claim.slot_id))
                    self.reads.add((EventTimeBlock, claim.time_block_id))
                    self.reads.add((Event, claim.event_id))
        return super().apply(puts)

    def set(self, key: RowKey, row: Record | None) -> None:
        """Put *row* under *key*, or forget what is there."""
        if row is None:
            self.remove(*key)
        else:
            self.put(row)

    def peek(self, key: RowKey) -> Record | None:
        """The row under *key*, without noting it."""
        row: Record | None = self.rows[key[0]].get(key[1])
        return row


@dataclass(slots=True)
class Scope:
    """Who gives the commands of this desk."""

    device: Id
    programme: Id
    role: Role
    actor: str


@dataclass(slots=True)
class Prediction:
    """A pending command, and what was predicted last time: what it read, touched and wrote, or the likely refusal.

    ``command`` is None where this version can't read it: then it is sent, and nothing is predicted.
    """

    position: int
    envelope: Envelope
    rule: Rule[Any] | None = None
    command: Command[Any] | None = None
    refusal: Refusal | None = None
    reads: set[Key] = field(default_factory=set)
    touches: set[Key] = field(default_factory=set)
    effects: list[Effect] = field(default_factory=list)

    @property
    def id(self) -> Id:
        """The command's id."""
        return self.envelope.id


def prediction(position: int, envelope: Envelope, scope: Scope) -> Prediction:
    """*envelope* read as a command of this desk, nothing predicted yet."""
    made = Prediction(position, envelope)
    rule = rule_for(envelope)
    if rule is None:
        made.refusal = unknown_kind(envelope.kind)
        return made
    args = read_args(rule, envelope.args)
    made.refusal = args if isinstance(args, Refusal) else allowed(rule, scope.role)
    if isinstance(args, Refusal) or made.refusal is not None:
        return made
    made.rule = rule
    made.command = Command(
        id=envelope.id,
        kind=envelope.kind,
        programme_id=scope.programme,
        args=args,
        actor=envelope.actor or scope.actor,
        role=scope.role,
        device_id=scope.device,
        occurred_at=envelope.occurred_at,
        clock_offset_ms=envelope.clock_offset_ms,
        seen=envelope.seen or {},
    )
    return made


def predict(state: WatchedState, made: Prediction, now: datetime) -> None:
    """Decide *made* on *state* and apply what it does there. A rule that raises is logged and predicts nothing."""
    rule, command = made.rule, made.command
    if rule is None or command is None:
        return
    state.now = now
    state.reads = set()
    state.journal = []
    made.refusal, made.effects = None, []
    try:
        verdict = rule.decide(state, command, now)
        if isinstance(verdict, Refusal):
            made.refusal = verdict
        else:
            made.effects = state.apply(verdict.puts)
    except Exception:  # a fault in a rule must not stop this desk; the authority will say what it thinks
        log.exception("predicting %s failed; it is sent all the same", command.kind)
        journal, state.journal = state.journal, None
        for key, row in reversed(journal):
            state.set(key, row)
        made.effects = []
    finally:
        state.journal = None
    made.reads |= state.reads
    made.touches |= {key for effect in made.effects for key in touched(effect.before, effect.after)}


def touched(before: Record | None, after: Record | None) -> set[Key]:
    """What a decision may depend on that changes when *before* becomes *after*."""
    keys: set[Key] = set()
    for row in (before, after):
        if row is None:
            continue
        record = type(row)
        keys.add((record, row.id))
        if row.deleted:
            continue
        for number, index in _NUMBERED.get(record, ()):
            value = index.key(row)
            if value is not None:
                keys.add((number, value))
    return keys
