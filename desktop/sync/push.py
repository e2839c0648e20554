"""Sending what this desk asked for: one ordered run at a time, until everything was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from desktop.store.desk_store import Store
from desktop.store.outbox import Queued
from desktop.store.refusals import StoreRefusal
from desktop.sync.ports import Failure, FailureKind, Remote
from server_sync.protocol.commands import MAX_PUSH_BYTES, MAX_RUN, PROTO, PushReply
from server_sync.protocol.ids import Id

_OVERHEAD = 1024  # what surrounds the commands in the body


class PushBody(msgspec.Struct, frozen=True, kw_only=True):
    """A ``PushRequest`` whose commands are the very bytes that lie in the outbox."""

    proto: int
    device: Id
    incarnation: int
    commands: list[msgspec.Raw]


class Pushed(StrEnum):
    """How a push that was answered went."""

    IDLE = "idle"  # there was nothing to send
    DONE = "done"  # all that was sent has a verdict
    LATER = "later"  # the server can't decide now
    UPGRADE = "upgrade"  # this version is too old for the server


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """How it went, when the server answered by its clock, and whether there is more to send at once."""

    pushed: Pushed
    server_time: datetime | None = None
    more: bool = False


class Pusher:
    """Remembers how far the server has come. Losing that memory costs one repetition and nothing else."""

    def __init__(self, store: Store, remote: Remote) -> None:
        self._store = store
        self._remote = remote
        self._most = MAX_RUN
        self._next: int | None = None
        self._forks = 0  # in a row

    def forget(self) -> None:
        """Send again whatever has no result: what the server knows, it answers as before."""
        self._next = None

    async def push(self) -> PushOutcome | Failure | StoreRefusal:
        """Send the next run, if there is one."""
        unsettled = await self._store.unsettled()
        if isinstance(unsettled, StoreRefusal):
            return unsettled
        waiting, first = unsettled
        seq = first if self._next is None else max(first, self._next)
        run = await self._store.run_from(seq, self._most, MAX_PUSH_BYTES - _OVERHEAD) if waiting else []
        if isinstance(run, StoreRefusal):
            return run
        if not run:
            return PushOutcome(Pushed.IDLE)
        reply = await self._remote.push(self._body(run))
        if isinstance(reply, Failure):
            if reply.kind in (FailureKind.SERVER, FailureKind.TOO_LARGE):
                self._most = max(1, self._most // 2)
            return reply
        self._most = min(MAX_RUN, self._most * 2)
        return await self._answered(run, reply)

    def _body(self, run: list[Queued]) -> bytes:
        identity = self._store.identity
        assert identity is not None
        commands = [msgspec.Raw(queued.raw) for queued in run]
        body = PushBody(proto=PROTO, device=identity.device, incarnation=run[0].incarnation, commands=commands)
        return msgspec.json.encode(body)

    async def _answered(self, run: list[Queued], reply: PushReply) -> PushOutcome | StoreRefusal:
        if reply.stop == "upgrade":
            return PushOutcome(Pushed.UPGRADE, reply.server_time)
        if reply.stop == "retry":
            self._next = reply.next_seq
            return PushOutcome(Pushed.LATER, reply.server_time)
        if reply.stop == "fork" or (reply.stop == "gap" and not await self._can_resume(run[0].seq, reply.next_seq)):
            refusal = await self._store.reincarnate()
            self._next = None
            self._forks += 1
            if self._forks > 1:  # a new number did not help at once: try on, but never in a spin
                return refusal or PushOutcome(Pushed.LATER, reply.server_time)
            return refusal or PushOutcome(Pushed.DONE, reply.server_time, more=True)
        self._next, self._forks = reply.next_seq, 0
        waiting = await self._store.run_from(reply.next_seq, 1, MAX_PUSH_BYTES)
        if isinstance(waiting, StoreRefusal):
            return waiting
        return PushOutcome(Pushed.DONE, reply.server_time, more=bool(waiting))

    async def _can_resume(self, sent_from: int, next_seq: int) -> bool:
        """Whether this desk has the command that the server wants next, and has not just sent it in vain."""
        if next_seq == sent_from:
            return False
        run = await self._store.run_from(next_seq, 1, MAX_PUSH_BYTES)
        return not isinstance(run, StoreRefusal) and bool(run) and run[0].seq == next_seq
