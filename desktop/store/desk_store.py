"""The store as the rest of the desk sees it: all awaits the one worker, and changes are told on the main thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from desktop.store.cache import Cache, Delta, Filling, read_row
from desktop.store.diff import CommandState, Diff
from desktop.store.forgetting import erased_in, redacted, whom_to_forget
from desktop.store.outbox import Identity, Outbox, Queued
from desktop.store.prediction import Scope
from desktop.store.refusals import StoreCode, StoreRefusal, refusal_of
from desktop.store.replica import Replica
from desktop.store.worker import Worker
from server_sync.protocol.commands import Envelope
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import TABLES, Record
from server_sync.rules.redaction import Forgotten
from server_sync.rules.state import RowKey

log = logging.getLogger(__name__)

T = TypeVar("T")
Listener = Callable[[Diff], None]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A command that is on this desk's disk. ``likely`` is the refusal that is to be expected, if any."""

    id: Id
    likely: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, before it is a command; ``args`` are the rule's own struct.

    ``occurred_at`` is when it happened by the centre's clock; None: now.
    """

    kind: str
    args: msgspec.Struct
    seen: dict[str, int] | None = None
    depends_on: tuple[Id, ...] = ()
    actor: str | None = None
    occurred_at: datetime | None = None


class Store:
    """Outbox, cache and replica behind one worker. ``clock`` is this computer's time, aware."""

    def __init__(self, outbox: Outbox, worker: Worker, clock: Callable[[], datetime], cache_path: Path) -> None:
        self._outbox = outbox
        self._worker = worker
        self._clock = clock
        self._cache_path = cache_path
        self._cache: Cache | None = None
        self._replica: Replica | None = None
        self._commands: dict[Id, Queued] = {}
        self._stranded: dict[Id, Queued] = {}
        self._erased: set[Id] = set()
        self._listeners: list[Listener] = []
        self.clock_offset_ms = 0
        self.fresh_at: datetime | None = None
        self.cursor: str | None = None
        self.notices: list[StoreRefusal] = []

    @classmethod
    async def open(
        cls, outbox_path: Path, cache_path: Path, worker: Worker, clock: Callable[[], datetime]
    ) -> Store | StoreRefusal:
        """Open both files and fill the replica. A damaged cache is replaced and noted in ``notices``."""

        def work() -> Store | StoreRefusal:
            outbox = Outbox.open(outbox_path)
            if isinstance(outbox, StoreRefusal):
                return outbox
            store = cls(outbox, worker, clock, cache_path)
            try:
                refusal = store._open_cache()
            except BaseException:
                outbox.close()
                raise
            if refusal is not None:
                outbox.close()
                return refusal
            return store

        return await worker.run(work)

    # ------------------------------------------------------------- what it is

    @property
    def identity(self) -> Identity | None:
        """Which desk this is; None until it is enrolled."""
        return self._outbox.identity

    @property
    def incarnation(self) -> int:
        """The incarnation in which commands are numbered now."""
        return self._outbox.incarnation

    def server_now(self) -> datetime:
        """What the centre's clock says now, as far as this desk knows."""
        return self._clock() + timedelta(milliseconds=self.clock_offset_ms)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have *listener* called on the main thread with every change; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def everything(self) -> Diff:
        """All rows and commands as they are."""
        return await self._worker.run(self._whole)

    # ------------------------------------------------------------ what is asked

    async def enrol(self, identity: Identity) -> StoreRefusal | None:
        """Become that desk. What it asked before goes on waiting; what another left unsent is shown as stranded."""

        def work() -> StoreRefusal | None:
            results = {} if self._replica is None else self._replica.results
            self._outbox.set_identity(identity, results)
            self._replica, self.cursor, self._commands = None, None, {}
            refusal = self._open_cache()
            self._tell_whole()
            return refusal

        return await self._refusing(work, self._outbox.path)

    async def submit(self, wish: Wish) -> Submitted | StoreRefusal:
        """Make *wish* a command. When this returns it is on disk and predicted."""

        done = await self.submit_all([wish])
        return done if isinstance(done, StoreRefusal) else done[0]

    async def submit_all(self, wishes: Sequence[Wish], settling: Id | None = None) -> list[Submitted] | StoreRefusal:
        """Make *wishes* commands, in that order: all of them are on disk, or none.

        *settling* is the refused command that they replace; it leaves Attention in the same step.
        """

        def work() -> list[Submitted] | StoreRefusal:
            replica, now = self._replica, self._clock()
            if replica is None:
                return StoreRefusal(StoreCode.NOT_ENROLLED)
            envelopes = [self._envelope(wish, now) for wish in wishes]
            words = f"reissued {envelopes[0].id}"
            queue = self._outbox.append(envelopes, now, {} if settling is None else {settling: words})
            submitted: list[Submitted] = []
            for queued in queue:
                self._commands[queued.id] = queued
                made = replica.append(queued.position, queued.envelope)
                submitted.append(Submitted(queued.id, made.refusal))
            if settling is not None:
                self._mark_resolved(settling, words, now)
            self._tell_changes({queued.id for queued in queue} | ({settling} if settling is not None else set()))
            return submitted

        return await self._refusing(work, self._outbox.path)

    def _envelope(self, wish: Wish, now: datetime) -> Envelope:
        happened = wish.occurred_at
        return Envelope(
            id=new_id(),
            kind=wish.kind,
            args=msgspec.Raw(msgspec.json.encode(wish.args)),
            actor=wish.actor,
            occurred_at=now if happened is None else happened - timedelta(milliseconds=self.clock_offset_ms),
            clock_offset_ms=self.clock_offset_ms,
            seen=wish.seen or None,
            depends_on=list(wish.depends_on) or None,
        )

    async def resolve(self, id: Id, resolution: str) -> StoreRefusal | None:
        """Note what a person did about a refused or stranded command; it leaves Attention."""

        def work() -> StoreRefusal | None:
            at = self._clock()
            self._outbox.resolve(id, resolution, at)
            self._mark_resolved(id, resolution, at)
            self._tell_changes({id})
            return None

        return await self._refusing(work, self._outbox.path)

    # --------------------------------------------------------------- for sync

    async def unsettled(self) -> tuple[frozenset[Id], int] | StoreRefusal:
        """The commands without a result, and the sequence number of the first (the next free one if none)."""

        def work() -> tuple[frozenset[Id], int]:
            ids = frozenset(self._pending())
            return ids, min((self._commands[id].seq for id in ids), default=self._outbox.next_seq)

        return await self._refusing(work, self._outbox.path)

    async def run_from(self, seq: int, most: int, most_bytes: int) -> list[Queued] | StoreRefusal:
        """The commands of this incarnation from *seq* on, as many as one push may hold."""
        return await self._refusing(lambda: self._outbox.run(seq, most, most_bytes), self._outbox.path)

    async def apply(self, delta: Delta, server_time: datetime) -> StoreRefusal | None:
        """Take *delta* whole, or not at all: ``CURSOR`` if it does not follow what is here."""

        def work() -> StoreRefusal | None:
            cache, replica = self._opened()
            rows = _read(delta)
            if isinstance(rows, StoreRefusal):
                return rows
            if not cache.apply(delta):
                return StoreRefusal(StoreCode.CURSOR, cache.path)
            puts, dels = rows
            erased = erased_in(puts)
            self._erased |= erased
            looking = self._erased and (erased or delta.results)
            who = whom_to_forget(replica.state, self._erased) if looking else None
            replica.apply(puts, dels, delta.results)
            self.cursor = delta.cursor
            self._freshen(server_time)
            self._tell_changes(self._forget(who, cache, replica) if who is not None else set())
            return None

        return await self._refusing(work, self._cache_path)

    async def filling(self) -> Filling | StoreRefusal | None:
        """How far a bootstrap that was begun is."""
        return await self._refusing(lambda: self._opened()[0].filling(), self._cache_path)

    async def begin_filling(self, anew: bool) -> StoreRefusal | None:
        """Begin a bootstrap; what is shown stays until it is whole.

        *anew*: the centre may have lost what it knew (it was restored), so all that it lacks is then offered again.
        """

        def work() -> None:
            cache, _ = self._opened()
            if anew:
                cache.note(anew="1")
            cache.begin_filling()

        return await self._refusing(work, self._cache_path)

    async def fill(self, page: Delta, next_page: str | None, total: int | None) -> Filling | StoreRefusal:
        """Keep one page, or the catch-up delta once all pages are in."""

        def work() -> Filling | StoreRefusal:
            rows = _read(page)
            return rows if isinstance(rows, StoreRefusal) else self._opened()[0].fill(page, next_page, total)

        return await self._refusing(work, self._cache_path)

    async def reveal(self, server_time: datetime) -> StoreRefusal | None:
        """Show what was filled."""

        def work() -> StoreRefusal | None:
            cache, _ = self._opened()
            if cache.notes().get("anew") == "1":
                # First: killed in between, this is done once more, and costs a number. Forgotten, it costs commands.
                self._outbox.reincarnate(keep=cache.filled_results())
            cache.reveal()
            self._fill_replica(cache)
            self._freshen(server_time)
            self._tell_whole()
            return None

        return await self._refusing(work, self._cache_path)

    async def reincarnate(self) -> StoreRefusal | None:
        """Begin a new incarnation with every command that has no result, ids unchanged."""

        def work() -> StoreRefusal | None:
            pending = self._pending()
            self._outbox.reincarnate(keep=self._commands.keys() - pending)
            self._commands = {queued.id: queued for queued in self._outbox.all()}
            return None

        return await self._refusing(work, self._outbox.path)

    async def rebuild_cache(self) -> StoreRefusal | None:
        """Throw the cache away, as when it turned out damaged. The outbox is untouched."""

        def work() -> StoreRefusal | None:
            self._cache_dropped()
            refusal = self._open_cache(fresh=True)
            self._tell_whole()
            return refusal

        return await self._refusing(work, self._cache_path)

    async def leave(self) -> StoreRefusal | None:
        """The centre no longer knows this desk: wipe the copy of the programme. What was asked here is kept."""

        def work() -> StoreRefusal | None:
            self._outbox.settle({} if self._replica is None else self._replica.results)
            self._cache_dropped()
            refusal = self._open_cache(fresh=True)
            self._tell_whole()
            return refusal

        return await self._refusing(work, self._cache_path)

    async def close(self) -> None:
        """Close both files. Nothing may be asked afterwards."""

        def work() -> None:
            if self._cache is not None:
                self._cache.close()
            self._outbox.close()

        await self._worker.run(work)

    # ------------------------------------------------- on the worker's thread

    def _opened(self) -> tuple[Cache, Replica]:
        if self._cache is None or self._replica is None:
            raise RuntimeError("the desk is not enrolled, so that it has no cache")
        return self._cache, self._replica

    def _open_cache(self, fresh: bool = False) -> StoreRefusal | None:
        identity = self._outbox.identity
        if identity is None:
            return None
        owner = f"{identity.device} {identity.programme}"
        self._cache_dropped()
        opened = (Cache.fresh if fresh else Cache.open)(self._cache_path, owner)
        if isinstance(opened, StoreRefusal):
            return opened
        self._cache, damaged = opened
        if damaged is not None:
            self.notices.append(damaged)
        try:
            self._fill_replica(self._cache)
        except (msgspec.MsgspecError, ValueError):  # rows of the right shape that nobody can read: damaged all the same
            if fresh:
                raise
            self.notices.append(StoreRefusal(StoreCode.CORRUPT, self._cache_path))
            return self._open_cache(fresh=True)
        return None

    def _cache_dropped(self) -> None:
        if self._cache is not None:
            self._cache.abandon()
            self._cache = None

    def _fill_replica(self, cache: Cache) -> None:
        identity = self._outbox.identity
        assert identity is not None
        scope = Scope(identity.device, identity.programme, identity.ceiling, identity.name)
        replica = Replica(scope, self.server_now)
        rows, results = cache.load()
        queue = self._outbox.all()
        notes = cache.notes()
        self.clock_offset_ms = int(notes.get("clock_offset_ms", self.clock_offset_ms))
        self.fresh_at = datetime.fromisoformat(notes["fresh_at"]) if "fresh_at" in notes else None
        replica.load(rows, results, [(queued.position, queued.envelope) for queued in queue])
        self._commands = {queued.id: queued for queued in queue}
        self._stranded = {queued.id: queued for queued in self._outbox.stranded()}
        self._replica, self.cursor = replica, cache.cursor()
        self._erased = erased_in(rows)
        if self._erased:
            self._forget(whom_to_forget(replica.state, self._erased), cache, replica)

    def _forget(self, who: Forgotten, cache: Cache, replica: Replica) -> set[Id]:
        """Leave nothing of *who* in what has its verdict; returns the commands that say less now."""
        envelopes = redacted(who, self._outbox.everything(), replica.results)
        kept = self._outbox.redact(envelopes) if envelopes else {}
        for id, raw in kept.items():
            for known in (self._commands, self._stranded):
                if id in known:
                    known[id] = msgspec.structs.replace(known[id], raw=raw, envelope=envelopes[id])
        cache.fold()
        return set(kept)

    def _freshen(self, server_time: datetime) -> None:
        cache, _ = self._opened()
        self.fresh_at = server_time
        cache.note(fresh_at=server_time.isoformat(), clock_offset_ms=str(self.clock_offset_ms))

    def _pending(self) -> set[Id]:
        results = {} if self._replica is None else self._replica.results
        return {id for id in self._commands if id not in results}

    def _mark_resolved(self, id: Id, resolution: str, at: datetime) -> None:
        known = self._commands if id in self._commands else self._stranded
        known[id] = msgspec.structs.replace(known[id], resolution=resolution, resolved_at=at)

    def _state(self, queued: Queued) -> CommandState:
        replica = self._replica
        pending = None if replica is None else replica.pending.get(queued.id)
        return CommandState(
            position=queued.position,
            envelope=queued.envelope,
            queued_at=queued.queued_at,
            result=None if replica is None else replica.results.get(queued.id),
            likely=None if pending is None else pending.refusal,
            resolution=queued.resolution,
            resolved_at=queued.resolved_at,
            stranded=queued.stranded,
        )

    def _whole(self) -> Diff:
        rows = () if self._replica is None else tuple(self._replica.everything())
        queue = [*self._stranded.values(), *self._commands.values()]
        return Diff(rows, tuple(self._state(queued) for queued in queue), whole=True)

    def _tell_whole(self) -> None:
        if self._replica is not None:
            self._replica.take_changes()
        self._tell(self._whole())

    def _tell_changes(self, commands: set[Id]) -> None:
        _, replica = self._opened()
        rows, changed = replica.take_changes()
        known = [found for id in commands | changed if (found := self._commands.get(id) or self._stranded.get(id))]
        known.sort(key=lambda queued: queued.position)
        self._tell(Diff(tuple(rows), tuple(self._state(queued) for queued in known)))

    def _tell(self, diff: Diff) -> None:
        if diff:
            self._worker.tell(lambda: self._deliver(diff))

    def _deliver(self, diff: Diff) -> None:
        for listener in tuple(self._listeners):
            listener(diff)

    async def _refusing(self, work: Callable[[], T], path: Path) -> T | StoreRefusal:
        def guarded() -> T | StoreRefusal:
            try:
                return work()
            except Exception as error:
                refusal = refusal_of(error, path)
                if refusal is None:
                    raise
                log.info("%s: %s", refusal.code, error)
                return refusal

        return await self._worker.run(guarded)


def _read(delta: Delta) -> tuple[Sequence[Record], Sequence[RowKey]] | StoreRefusal:
    """The rows of *delta*; those of tables that this version does not know are left out."""
    try:
        rows = [row for table, json in delta.puts if (row := read_row(table, json)) is not None]
    except msgspec.MsgspecError as error:
        log.info("unreadable row: %s", error)
        return StoreRefusal(StoreCode.NOT_UNDERSTOOD)
    dels: list[tuple[Any, Id]] = [(TABLES[table], id) for table, id in delta.dels if table in TABLES]
    return rows, dels
