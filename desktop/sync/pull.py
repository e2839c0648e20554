"""Fetching: a delta that follows what is here, or everything anew beside it until it is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desktop.store.desk_store import Store
from desktop.store.refusals import StoreRefusal
from desktop.sync.delta import read_delta
from desktop.sync.ports import Failure, FailureKind, Remote
from server_sync.protocol.commands import End

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the server said last, and whether anything came."""

    end: End
    changed: bool


class Puller:
    """``progress`` hears of each bootstrap page: rows so far, rows in all (0: not known)."""

    def __init__(self, store: Store, remote: Remote, progress: Progress) -> None:
        self._store = store
        self._remote = remote
        self._progress = progress
        self._refetching: bool | None = None  # whether something older is shown meanwhile; None: look
        self._lost_by: Failure | None = None  # why all is to be fetched anew, until that is on the disk

    async def pull(self) -> Pulled | Failure | StoreRefusal:
        """Come up to date: by a delta where there is a cursor, else by fetching everything."""
        if self._lost_by is not None:
            refusal = await self._begin_anew(self._lost_by)
            if refusal is not None:
                return refusal
        if self._refetching is None:
            filling = await self._store.filling()
            if isinstance(filling, StoreRefusal):
                return filling
            self._refetching = filling is not None
        if self._store.cursor is None or self._refetching:
            return await self._bootstrap()
        lines = await self._remote.pull(self._store.cursor)
        read = await self._lost(lines) if isinstance(lines, Failure) else read_delta(lines)
        if isinstance(read, Failure | StoreRefusal):
            return read
        delta, _, end = read
        refusal = await self._store.apply(delta, end.server_time)
        return refusal or Pulled(end, bool(delta.puts or delta.dels or delta.results))

    async def _bootstrap(self) -> Pulled | Failure | StoreRefusal:
        """Take up where the last attempt ended, page by page, then catch up, then show it."""
        filling = await self._store.filling()
        if isinstance(filling, StoreRefusal):
            return filling
        if filling is None:
            refusal = await self._store.begin_filling(anew=False)
            if refusal is not None:
                return refusal
        while filling is None or not filling.whole:
            lines = await self._remote.bootstrap(None if filling is None else filling.page)
            read = await self._lost(lines) if isinstance(lines, Failure) else read_delta(lines)
            if isinstance(read, Failure | StoreRefusal):
                return read
            delta, total, end = read
            filled = await self._store.fill(delta, end.next_page, total)
            if isinstance(filled, StoreRefusal):
                return filled
            filling = filled
            self._progress(filling.done, filling.total)
        return await self._catch_up(filling.cursor or "")

    async def _catch_up(self, cursor: str) -> Pulled | Failure | StoreRefusal:
        lines = await self._remote.pull(cursor)
        read = await self._lost(lines) if isinstance(lines, Failure) else read_delta(lines)
        if isinstance(read, Failure | StoreRefusal):
            return read
        delta, _, end = read
        if delta.from_cursor != cursor:
            return Failure(FailureKind.UNREADABLE, "The server answered another question than was asked.")
        filled = await self._store.fill(delta, None, None)
        if isinstance(filled, StoreRefusal):
            return filled
        refusal = await self._store.reveal(end.server_time)
        self._refetching = refusal is not None
        return refusal or Pulled(end, True)

    async def _lost(self, failure: Failure) -> Failure | StoreRefusal:
        """Where the server no longer follows what was asked, the next attempt begins anew, a little later."""
        if failure.kind is not FailureKind.REBOOTSTRAP:
            return failure
        self._lost_by = failure
        return await self._begin_anew(failure) or Failure(FailureKind.BUSY, failure.words)

    async def _begin_anew(self, failure: Failure) -> StoreRefusal | None:
        """Note on the disk that, and why, everything is fetched anew; until that is done it is not forgotten."""
        refusal = await self._store.begin_filling(anew=failure.reason == "epoch")
        if refusal is None:
            self._lost_by, self._refetching = None, True
        return refusal
