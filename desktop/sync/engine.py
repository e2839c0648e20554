"""The engine: push, pull, wait, again; woken by whatever is asked here and whatever happens there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from desktop.store.desk_store import Store
from desktop.store.diff import Diff
from desktop.store.refusals import StoreCode, StoreRefusal
from desktop.sync.backoff import Backoff
from desktop.sync.clock_offset import ClockOffset
from desktop.sync.ports import Clock, Failure, FailureKind, Random, Remote
from desktop.sync.pull import Pulled, Puller
from desktop.sync.push import Pushed, Pusher, PushOutcome
from desktop.sync.status import Link, Status
from desktop.sync.timed_remote import TimedRemote
from server_sync.protocol.ids import Id

log = logging.getLogger(__name__)

PULL_EVERY = 20.0
PAUSE = 60.0
STUCK_AFTER = 180.0
LOOK_EVERY = 10.0

_MANY = 3  # pushes put off, in a row, before somebody is told
_UNREACHED = frozenset({FailureKind.OFFLINE, FailureKind.DENIED, FailureKind.REVOKED, FailureKind.INSECURE})
_PAUSING = frozenset({FailureKind.DENIED, FailureKind.INSECURE, FailureKind.UNREADABLE})


class Engine:
    """One flight at a time. ``listener`` hears every new ``Status``, on the loop's thread."""

    def __init__(
        self, store: Store, remote: Remote, clock: Clock, random: Random, listener: Callable[[Status], None]
    ) -> None:
        self._store = store
        self._remote = remote
        self._clock = clock
        self._random = random
        self._listener = listener
        self._wake = asyncio.Event()
        self._backoff = Backoff(random)
        timed = TimedRemote(remote, clock, ClockOffset(store.clock_offset_ms), self._measured)
        self._pusher = Pusher(store, timed)
        self._puller = Puller(store, timed, self._progress)
        self._push_from = 0.0  # monotonic: not before this
        self._push_trouble = ""  # why what waits here does not get through, in words
        self._put_off = 0  # pushes in a row that the server answered with "later"
        self._faults = Backoff(random)
        self._waiting: set[Id] = set()
        self._settled_at = clock.monotonic()
        self._flights: asyncio.Task[None] | None = None
        self.status = Status(
            fresh_at=store.fresh_at, clock_offset_ms=store.clock_offset_ms, whole=store.cursor is not None
        )

    def wake(self) -> None:
        """There is something to do, or reason to try again now."""
        self._wake.set()

    async def run(self) -> None:
        """Keep this desk in step with the server until cancelled. A fault is logged and said, and it begins again."""
        self._say(since=self._clock.now())
        while True:
            began = self._clock.monotonic()
            try:
                await self._sync()
            except Exception:  # whatever it is: a desk that no longer syncs and says nothing is the worst
                log.exception("syncing stopped")
            if self._clock.monotonic() - began >= STUCK_AFTER:
                self._faults.reset()
            self._pusher.forget()
            self._link(Link.STOPPED, "Syncing stopped over a fault and begins again. Nothing is lost.")
            await self._clock.wait(asyncio.Event(), 1.0 + self._faults.wait())

    async def _sync(self) -> None:
        unsettled = await self._store.unsettled()
        while isinstance(unsettled, StoreRefusal):
            self._link(Link.TROUBLE, unsettled.words)
            await self._clock.wait(asyncio.Event(), self._backoff.wait())
            unsettled = await self._store.unsettled()
        self._waiting = set(unsettled[0])
        self._say(waiting=len(self._waiting))
        unsubscribe = self._store.subscribe(self._changed)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="pokes")
                tasks.create_task(self._keep_flying(), name="flights")
        finally:
            unsubscribe()

    # ---------------------------------------------------------------- flights

    async def _keep_flying(self) -> None:
        """Run the flights; should they be stuck, start them again and say so."""
        while True:
            self._flights = asyncio.create_task(self._fly(), name="fly")
            ended = asyncio.Event()
            self._flights.add_done_callback(_setting(ended))
            try:
                while not await self._stuck(self._flights, ended):
                    pass
            finally:
                self._flights.cancel()
                await asyncio.gather(self._flights, return_exceptions=True)
            log.info("nothing settled for %.0f s: starting again", STUCK_AFTER)
            self._settled_at = self._clock.monotonic()
            self._pusher.forget()
            self._say(detail="Sending was stuck and was started again.")

    async def _stuck(self, flights: asyncio.Task[None], ended: asyncio.Event) -> bool:
        if await self._clock.wait(ended, LOOK_EVERY):
            await flights  # it never ends but by an error: let that be seen
        quiet = self._clock.monotonic() - self._settled_at
        return self.status.link is Link.ONLINE and bool(self._waiting) and quiet >= STUCK_AFTER

    async def _fly(self) -> None:
        while True:
            self._wake.clear()
            seconds = await self._flight()
            if seconds > 0:
                await self._clock.wait(self._wake, seconds)

    async def _flight(self) -> float:
        """One push (if something waits and may go) and one pull; the seconds until the next."""
        pushed: PushOutcome | Failure | StoreRefusal = PushOutcome(Pushed.IDLE)
        if self._store.cursor is not None and self._clock.monotonic() >= self._push_from:
            pushed = await self._pusher.push()
            seconds = self._after_push(pushed)
            if seconds is not None:
                return seconds
        pulled = await self._puller.pull()
        if not isinstance(pulled, Pulled):
            return await self._failed(pulled)
        self._arrived(pulled)
        if isinstance(pushed, PushOutcome) and pushed.more:
            return 0.0
        interval = self._random.uniform(PULL_EVERY * 0.8, PULL_EVERY * 1.2)
        hold = self._push_from - self._clock.monotonic()
        return min(interval, hold) if self._waiting and hold > 0 else interval

    def _after_push(self, pushed: PushOutcome | Failure | StoreRefusal) -> float | None:
        """Seconds to wait where there is no sense in pulling; else None, with the next push put off if it must be."""
        if isinstance(pushed, StoreRefusal):
            self._link(Link.TROUBLE, pushed.words)
            return self._backoff.wait()
        if isinstance(pushed, Failure):
            if pushed.kind in _UNREACHED:
                return self._unreached(pushed)
            log.info("push: %s: %s", pushed.kind, pushed.words)
            self._push_trouble = pushed.words
            self._push_from = self._clock.monotonic() + self._backoff.wait(pushed.retry_after)
            return None
        self._put_off = self._put_off + 1 if pushed.pushed is Pushed.LATER else 0
        self._push_trouble = "" if self._put_off < _MANY else "The server does not take what waits here; trying on."
        if pushed.pushed is Pushed.LATER:
            self._push_from = self._clock.monotonic() + self._backoff.wait()
        elif pushed.pushed is Pushed.UPGRADE:
            self._push_from = self._clock.monotonic() + PAUSE
            self._link(Link.PAUSED, "This Callboard is too old for the server: update it. Nothing is lost meanwhile.")
        elif pushed.pushed is Pushed.DONE:
            self._backoff.reset()
        return None

    def _arrived(self, pulled: Pulled) -> None:
        self._say(
            fresh_at=pulled.end.server_time,
            desks=tuple(pulled.end.desks or ()),
            filling=None,
            whole=True,
        )
        if self._push_trouble:
            self._link(Link.TROUBLE, self._push_trouble)
        elif self.status.link is not Link.PAUSED or self._push_from <= self._clock.monotonic():
            self._link(Link.ONLINE, "")
        if self._push_from <= self._clock.monotonic():
            self._backoff.reset()

    async def _failed(self, failure: Failure | StoreRefusal) -> float:
        if isinstance(failure, Failure):
            return self._unreached(failure)
        self._link(Link.TROUBLE, failure.words)
        if failure.code is StoreCode.CORRUPT:
            refusal = await self._store.rebuild_cache()
            self._say(whole=False, detail=(refusal or failure).words)
        return self._backoff.wait()

    def _unreached(self, failure: Failure) -> float:
        log.info("%s: %s", failure.kind, failure.words)
        if failure.kind is FailureKind.REVOKED:
            self._link(Link.REVOKED, failure.words)
            return PAUSE
        if failure.kind in _PAUSING:
            self._link(Link.PAUSED, failure.words)
            return PAUSE
        if failure.kind is FailureKind.OFFLINE:
            self._link(Link.OFFLINE, failure.words)
        else:
            self._link(Link.TROUBLE, failure.words)
        return self._backoff.wait(failure.retry_after)

    # ------------------------------------------------------------------ pokes

    async def _listen(self) -> None:
        """Follow the server's pokes; that they connect at all is news, too."""
        while True:
            heard = False
            async with aclosing(self._remote.pokes()) as pokes:
                async for _ in pokes:
                    heard = True
                    self._backoff.reset()
                    self.wake()
            if heard and self.status.link is Link.ONLINE:
                self.wake()  # a line that breaks is noticed here first: look, and say so
            if self.status.link is Link.ONLINE:
                self.wake()  # perhaps the line is gone: find out now, not at the next pull
            denied = self.status.link in (Link.PAUSED, Link.REVOKED)
            await self._clock.wait(asyncio.Event(), PAUSE if denied else self._random.uniform(0.5, 3.0))

    # ----------------------------------------------------------------- status

    def _changed(self, diff: Diff) -> None:
        if diff.whole:
            self._waiting = set()
        for command in diff.commands:
            if command.status == "queued":
                if command.id not in self._waiting:
                    if not self._waiting:
                        self._settled_at = self._clock.monotonic()
                    self._waiting.add(command.id)
                    self.wake()
            elif command.id in self._waiting:
                self._waiting.discard(command.id)
                self._settled_at = self._clock.monotonic()
        self._say(waiting=len(self._waiting))

    def _measured(self, offset_ms: int) -> None:
        self._store.clock_offset_ms = offset_ms
        self._say(clock_offset_ms=offset_ms)

    def _progress(self, done: int, total: int) -> None:
        self._say(filling=(done, total))

    def _link(self, link: Link, detail: str) -> None:
        if link is not self.status.link:
            self._say(link=link, since=self._clock.now(), detail=detail)
        else:
            self._say(detail=detail)

    def _say(self, **changes: Any) -> None:
        status = replace(self.status, **changes)
        if status != self.status:
            self.status = status
            self._listener(status)


def _setting(event: asyncio.Event) -> Callable[[object], None]:
    return lambda _: event.set()
