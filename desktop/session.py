"""Everything that an enrolled desk has, without a window: the day in memory, the server, the engine, the services."""

from __future__ import annotations

from collections.abc import Callable

from desktop.day.attention_service import AttentionService
from desktop.day.day import Day
from desktop.day.desk_service import DeskService
from desktop.day.loading import loading_words
from desktop.day.strip import as_of, strip_state
from desktop.qt.tasks import TaskOwner
from desktop.remote.http_remote import HttpRemote
from desktop.store.desk_store import Store
from desktop.store.outbox import Identity
from desktop.sync.engine import Engine
from desktop.sync.status import Status
from desktop.sync.system_ports import SystemClock, SystemRandom
from desktop.widgets.records import StripState


class DeskSession:
    """Made once the desk is enrolled. ``on_status`` hears the engine, ``on_error`` of what failed; ``tasks`` own it."""

    def __init__(
        self,
        store: Store,
        identity: Identity,
        token: str,
        on_status: Callable[[Status], None],
        on_error: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._store = store
        self._on_status = on_status
        self._loading = ""
        self.tasks = TaskOwner("desk", on_error)
        self.day = Day(identity, store.server_now, lambda: store.fresh_at)
        self.remote = HttpRemote(identity.server, token)
        self.engine = Engine(store, self.remote, SystemClock(), SystemRandom(), self._status_changed)
        self.desk = DeskService(self.day, store, self.as_of, lambda: loading_words(self.engine.status))
        self.attention = AttentionService(self.day, store, self.desk.header)
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Show what is on the disk, then begin to sync."""
        self._unsubscribe = self._store.subscribe(self.day.take)
        self.day.take(await self._store.everything())
        self.tasks.start(self.engine.run(), "engine")

    async def stop(self) -> None:
        """Stop syncing and close the connection; the store stays open."""
        await self.tasks.close()
        await self.remote.close()
        self._unsubscribe()

    def as_of(self) -> str:
        """How old what is shown is, "" while it is live."""
        return as_of(self.day, self.engine.status)

    def strip(self) -> StripState:
        """The status strip now."""
        return strip_state(self.day, self.engine.status)

    def _status_changed(self, status: Status) -> None:
        before, self._loading = self._loading, loading_words(status)
        if self._loading != before:
            self.day.pass_time()
        self._on_status(status)
