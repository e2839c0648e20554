"""What callers hand to the authority: runs of commands, and how far each has come."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from server_sync.authority.ledger import UNREADABLE_CODES, command_hash
from server_sync.authority.principal import Principal
from server_sync.protocol.commands import Envelope, Result, Stop
from server_sync.protocol.errors import INVALID, NOT_ALLOWED, Refusal
from server_sync.protocol.ids import Id, is_id
from server_sync.protocol.records import Device
from server_sync.rules.command import Command, Rule, allowed, read_args, unknown_kind
from server_sync.rules.registry import rule_for
from server_sync.rules.state import RowKey


@dataclass(slots=True)
class Item:
    """One command of a run. ``refused`` is set where it was turned away without a look at any row."""

    envelope: Envelope
    hash: str
    programme_id: Id | None
    rule: Rule[Any] | None = None
    command: Command[Any] | None = None
    refused: Refusal | None = None


@dataclass(slots=True)
class Run:
    """What one caller asked for in one request, in order. A push has an ``incarnation``; a single request has none.

    ``results`` are the verdicts so far. ``refusal`` ends a single request without a verdict (busy, a reused id),
    ``stop`` a push; ``error`` is a bug or an outage. ``next_seq`` is what to push next: the same again, until more is
    known. ``came`` numbers the runs of a process; ``rows`` are what it was seen to wait for, ``waits_since`` when.
    """

    principal: Principal
    items: list[Item]
    incarnation: int | None = None
    results: list[Result] = field(default_factory=list)
    rounds: int = 0
    failures: int = 0
    stop: Stop | None = None
    next_seq: int = 0
    refusal: Refusal | None = None
    error: BaseException | None = None
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    came: int = 0
    rows: Set[RowKey] = frozenset()
    waits_since: float | None = None
    queued: bool = False
    suspects: int = 0
    most: int | None = None

    @property
    def next(self) -> list[Item]:
        """The commands that the next attempt takes."""
        return self.items[len(self.results) :][: self.most]

    @property
    def queue(self) -> Set[RowKey]:
        """What its device's runs share, so that none overtakes another; nothing for a single request."""
        device_id = self.principal.device_id if self.incarnation is not None else None
        return frozenset() if device_id is None else frozenset({(Device, device_id)})

    def advance(self, results: list[Result]) -> None:
        """These verdicts are committed."""
        self.results += results
        if results:  # what is counted is how often it came no further
            self.rounds = self.failures = 0
            self.waits_since = None
            self.suspect(max(0, self.suspects - len(results)))

    def narrow(self) -> bool:
        """An attempt of this run alone failed; returns whether it took several commands, so that fewer are tried."""
        taken = len(self.next)
        self.suspect(taken)
        return taken > 1

    def suspect(self, suspects: int, most: int | None = None) -> None:
        """Something is wrong with one of the next *suspects* commands; try *most* of them, or half, by themselves."""
        self.suspects = suspects
        self.most = max(1, suspects // 2 if most is None else most) if suspects else None

    @property
    def open(self) -> bool:
        """Whether something of it is still to be decided."""
        ended = self.stop is not None or self.refusal is not None or self.error is not None
        return len(self.results) < len(self.items) and not ended

    @property
    def bulk(self) -> bool:
        """Whether it belongs on the lane of long work."""
        return any(item.rule is not None and item.rule.bulk for item in self.items)


def read_item(principal: Principal, envelope: Envelope, programme_id: Id | None) -> Item:
    """An envelope as a command that can be decided, or with the refusal that it earned already."""
    item = Item(envelope, command_hash(envelope), programme_id)
    rule = rule_for(envelope)
    if rule is None:
        item.refused = unknown_kind(envelope.kind)
        return item
    item.rule = rule
    item.refused = allowed(rule, principal.role)
    if principal.programme_id is not None and envelope.kind == "programme.create":
        item.refused = Refusal(NOT_ALLOWED, {"problem": "only the server's own root token makes programmes"})
    elif principal.programme_id is not None and programme_id != principal.programme_id:
        item.refused = Refusal(NOT_ALLOWED, {"problem": "this token belongs to another programme"})
    elif principal.programme_id is None and envelope.kind != "programme.create" and not is_id(programme_id or ""):
        item.programme_id = None
        item.refused = item.refused or Refusal(INVALID, {"field": "programme_id", "problem": "name a programme"})
    if item.refused is not None:
        return item
    args = read_args(rule, envelope.args)
    if isinstance(args, Refusal):
        item.refused = args
        return item
    item.command = Command(
        id=envelope.id,
        kind=envelope.kind,
        programme_id=envelope.id if envelope.kind == "programme.create" else programme_id or "",
        args=args,
        actor=envelope.actor or principal.actor,
        role=principal.role,
        device_id=principal.device_id,
        occurred_at=envelope.occurred_at,
        clock_offset_ms=envelope.clock_offset_ms,
        seen=envelope.seen or {},
    )
    item.programme_id = item.command.programme_id or None
    return item


def unreadable(item: Item) -> bool:
    """Whether a single request like this is answered without a trace in the ledger: it never became a command."""
    return item.refused is not None and item.refused.code in UNREADABLE_CODES
