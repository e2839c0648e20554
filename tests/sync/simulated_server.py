"""A centre in memory behind the ``Remote`` port: the real rules over one state, with faults on demand.

It keeps what ARCHITECTURE.md asks of the real one (ledger, order by device, cursors, verdicts that travel with the
rows), so that the engine can be put into every situation at once. The real server is met in the end-to-end tests.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.commands import Begin, End, Envelope, Line, PushReply, PushRequest, Result, Stop
from server_sync.protocol.errors import DEPENDENCY_REFUSED, NOT_ALLOWED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SYNCED, Record, Role
from server_sync.rules.command import Command, allowed, read_args, unknown_kind
from server_sync.rules.registry import rule_for
from server_sync.rules.state import RowKey, State
from tests.sync.small_day import ROOT, SmallDay

PAGE = 25


@dataclass
class Faults:
    """What goes wrong next. Counted ones are used up."""

    offline: bool = False
    denied: bool = False
    revoked: bool = False
    refused_pushes: int = 0  # pushes that are answered with a 4xx that says nothing to a desk
    forks: int = 0  # pushes that stop with "fork", whatever their incarnation
    lose_replies: int = 0  # pushes that are decided and whose answer never arrives
    cut_pulls: int = 0
    cut_pages: int = 0
    pages_left: int | None = None  # the line breaks after so many pages
    server_errors: int = 0
    busy: int = 0
    retries: int = 0  # pushes that stop with "retry" before their first command
    wrong_from: int = 0  # pulls whose begin names another cursor


@dataclass
class SimulatedServer:
    """The authority and its feed. ``now`` is its clock."""

    day: SmallDay
    now: Callable[[], datetime]
    role: Role = "admin"
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.state = State()
        self.version = 0
        self.epoch = "e1"
        self.stamps: dict[RowKey, int] = {}
        self.ledger: dict[Id, tuple[bytes, Result, int]] = {}
        self.owner: dict[Id, Id] = {}
        self.cursors: dict[Id, tuple[int, int]] = defaultdict(lambda: (1, 0))
        self.decided: list[Id] = []
        self.pushes: list[int] = []
        self.pokes: set[asyncio.Event] = set()
        self._write([effect.after for effect in self.state.apply(self.day.rows)])

    # -------------------------------------------------------------- the centre

    def submit(self, envelope: Envelope, device: Id | None, actor: str) -> Result:
        """Decide one command, as anybody."""
        known = self.ledger.get(envelope.id)
        if known is not None:
            return known[1]
        verdict = self._decide(envelope, device, actor)
        self.version += 1
        if isinstance(verdict, Refusal):
            result = Result(id=envelope.id, status="rejected", code=verdict.code, details=verdict.details)
        else:
            self._write(verdict)
            result = Result(id=envelope.id, status="applied")
        self.ledger[envelope.id] = (_hash(envelope), result, self.version)
        if device is not None:
            self.owner[envelope.id] = device
        self.decided.append(envelope.id)
        for poke in self.pokes:
            poke.set()
        return result

    def _decide(self, envelope: Envelope, device: Id | None, actor: str) -> list[Record] | Refusal:
        rule = rule_for(envelope)
        if rule is None:
            return unknown_kind(envelope.kind)
        args = read_args(rule, envelope.args)
        refused = args if isinstance(args, Refusal) else allowed(rule, self.role)
        for id in envelope.depends_on or () if not rule.fact else ():
            if id in self.ledger and self.ledger[id][1].status != "applied":
                refused = refused or Refusal(DEPENDENCY_REFUSED, {"command_id": id})
        if isinstance(args, Refusal) or refused is not None:
            return refused or Refusal(NOT_ALLOWED)
        command: Command[Any] = Command(
            id=envelope.id, kind=envelope.kind, programme_id=ROOT, args=args, actor=envelope.actor or actor,
            role=self.role, device_id=device, occurred_at=envelope.occurred_at,
            clock_offset_ms=envelope.clock_offset_ms, seen=envelope.seen or {},
        )  # fmt: skip
        verdict = rule.decide(self.state, command, self.now())
        return verdict if isinstance(verdict, Refusal) else [e.after for e in self.state.apply(verdict.puts)]

    def _write(self, rows: list[Record]) -> None:
        for row in rows:
            self.stamps[type(row), row.id] = self.version

    def restore(self) -> None:
        """As if from the backup of the morning: nothing was ever decided, and history has another name."""
        epoch = self.epoch
        self.__post_init__()
        self.epoch = epoch + "'"

    def rows(self) -> dict[RowKey, Record]:
        """Everything a desk should hold, as it looks after the journey."""
        return {
            (record, id): msgspec.json.decode(msgspec.json.encode(row), type=record)
            for record in SYNCED
            for id, row in self.state.rows[record].items()
        }

    # ---------------------------------------------------------------- the port

    async def push(self, body: bytes) -> PushReply | Failure:
        """As ``Remote.push``."""
        await asyncio.sleep(0)
        failure = self._fault()
        if failure is not None:
            return failure
        if self.faults.refused_pushes:
            self.faults.refused_pushes -= 1
            return Failure(FailureKind.UNREADABLE, "That address does not answer like a Callboard server (400).")
        request = msgspec.json.decode(body, type=PushRequest)
        self.pushes.append(len(request.commands))
        reply = self._push(request)
        if self.faults.lose_replies:
            self.faults.lose_replies -= 1
            return Failure(FailureKind.OFFLINE, "the answer was lost")
        return reply

    def _push(self, request: PushRequest) -> PushReply:
        incarnation, last = self.cursors[request.device]
        if request.incarnation > incarnation:
            incarnation, last = request.incarnation, 0
        results: list[Result] = []
        stop: Stop | None = "fork" if request.incarnation < incarnation else None
        if self.faults.forks:
            self.faults.forks -= 1
            stop = "fork"
        if self.faults.retries:
            self.faults.retries -= 1
            stop = "retry"
        for envelope in request.commands if stop is None else ():
            known = self.ledger.get(envelope.id)
            assert envelope.seq is not None
            if known is not None and known[0] == _hash(envelope):
                results.append(known[1])
                last = max(last, envelope.seq)
                continue
            if known is not None or envelope.seq <= last:
                stop = "fork"
                break
            if envelope.seq > last + 1:
                stop = "gap"
                break
            results.append(self.submit(envelope, request.device, "desk"))
            last = envelope.seq
        self.cursors[request.device] = (incarnation, last)
        return PushReply(results=results, next_seq=last + 1, server_time=self.now(), stop=stop)

    async def pull(self, cursor: str) -> list[Line] | Failure:
        """As ``Remote.pull``; the test's desk is asked for with ``for_device``."""
        raise NotImplementedError

    def for_device(self, device: Id) -> SimulatedRemote:
        """The port of one desk."""
        return SimulatedRemote(self, device)

    def _fault(self) -> Failure | None:
        if self.faults.offline:
            return Failure(FailureKind.OFFLINE, "The server can't be reached.")
        if self.faults.denied:
            return Failure(FailureKind.DENIED, "This desk was revoked.")
        if self.faults.revoked:
            return Failure(FailureKind.REVOKED, "This desk was taken off.", reason="revoked")
        if self.faults.busy:
            self.faults.busy -= 1
            return Failure(FailureKind.BUSY, "The server is busy.", 7.0)
        if self.faults.server_errors:
            self.faults.server_errors -= 1
            return Failure(FailureKind.SERVER, "The server has a fault.")
        return None


class SimulatedRemote:
    """One desk's ``Remote``."""

    def __init__(self, server: SimulatedServer, device: Id) -> None:
        self.server = server
        self.device = device

    async def push(self, body: bytes) -> PushReply | Failure:
        """As ``Remote.push``."""
        return await self.server.push(body)

    async def pull(self, cursor: str) -> list[Line] | Failure:
        """As ``Remote.pull``."""
        await asyncio.sleep(0)
        server, faults = self.server, self.server.faults
        failure = server._fault()
        if failure is not None:
            return failure
        epoch, _, since = cursor.partition(":")
        if epoch != server.epoch or int(since) > server.version:
            return Failure(FailureKind.REBOOTSTRAP, "everything anew", reason="epoch")
        body = [self._put(key) for key, stamp in server.stamps.items() if stamp > int(since) and key[0] in SYNCED]
        body += self._results(int(since))
        begin = cursor
        if faults.wrong_from:
            faults.wrong_from -= 1
            begin = f"{epoch}:{int(since) - 1}"
        lines = [Line(begin=Begin(from_cursor=begin)), *body, self._end(len(body), server.version, None)]
        if faults.cut_pulls and body:
            faults.cut_pulls -= 1
            return lines[:-2]
        return lines

    async def bootstrap(self, page: str | None) -> list[Line] | Failure:
        """As ``Remote.bootstrap``: pages by table and id, each as it is now, the cursor of the first."""
        await asyncio.sleep(0)
        server = self.server
        failure = server._fault()
        if failure is not None:
            return failure
        if server.faults.pages_left is not None:
            server.faults.pages_left -= 1
            server.faults.offline = server.faults.pages_left <= 0
        epoch, cursor, at = (page or f"{server.epoch}:{server.version}:0").split(":")
        if epoch != server.epoch:
            return Failure(FailureKind.REBOOTSTRAP, "everything anew", reason="epoch")
        synced = (key for key in server.stamps if key[0] in SYNCED)
        keys = sorted(synced, key=lambda key: (SYNCED.index(key[0]), key[1]))
        some = keys[int(at) : int(at) + PAGE]
        body = [self._put(key) for key in some]
        last = int(at) + PAGE >= len(keys)
        if last:
            body += self._results(-1)
        following = None if last else f"{epoch}:{cursor}:{int(at) + PAGE}"
        lines = [Line(begin=Begin(total=len(keys))), *body, self._end(len(body), int(cursor), following)]
        if server.faults.cut_pages:
            server.faults.cut_pages -= 1
            return lines[:-1]
        return lines

    async def pokes(self) -> AsyncGenerator[None]:
        """As ``Remote.pokes``."""
        if self.server.faults.offline or self.server.faults.denied or self.server.faults.revoked:
            return
        poked = asyncio.Event()
        self.server.pokes.add(poked)
        try:
            yield
            while not self.server.faults.offline:
                await poked.wait()
                poked.clear()
                yield
        finally:
            self.server.pokes.discard(poked)

    def _put(self, key: RowKey) -> Line:
        row = self.server.state.rows[key[0]][key[1]]
        return Line(put=(key[0].TABLE, msgspec.Raw(msgspec.json.encode(row))))

    def _results(self, since: int) -> list[Line]:
        mine = self.server.owner
        return [
            Line(result=result)
            for id, (_, result, stamp) in self.server.ledger.items()
            if stamp > since and mine.get(id) == self.device
        ]

    def _end(self, rows: int, version: int, page: str | None) -> Line:
        cursor = f"{self.server.epoch}:{version}"
        return Line(end=End(rows=rows, server_time=self.server.now(), cursor=cursor, next_page=page, desks=[]))


def _hash(envelope: Envelope) -> bytes:
    return msgspec.json.encode([envelope.kind, envelope.v, envelope.args, envelope.occurred_at])
