"""The feed that desks follow: everything once (bootstrap), then what changed since (pull).

There is no log of changes and no gap to detect. Every row bears the transaction that last wrote it, a cursor is a whole
snapshot, and what a desk lacks is what its snapshot does not see.
"""

from __future__ import annotations

from server_sync.authority.connection import Pool
from server_sync.authority.feed.bootstrap import PAGE_ROWS, bootstrap
from server_sync.authority.feed.cursor import Cursor, Follower, PageToken, verify
from server_sync.authority.feed.presence import Presence
from server_sync.authority.feed.pull import Puller
from server_sync.authority.feed.reply import Delta, Page
from server_sync.protocol.commands import Rebootstrap

__all__ = ["Delta", "Feed", "Follower", "Page"]


class Feed:
    """One a process. Its connections must use the time zone UTC (as ``open_pool``'s do).

    A bootstrap's page ends once it has ``page_rows`` rows, and holds less than twice that.
    """

    def __init__(self, pool: Pool, page_rows: int = PAGE_ROWS) -> None:
        self._page_rows = page_rows
        self._pool = pool
        self._puller = Puller(pool)
        self._presence = Presence(pool)
        self._known_secret: bytes | None = None

    async def pull(self, follower: Follower, cursor: str) -> Delta | Rebootstrap:
        """What *follower* lacks since *cursor*."""
        secret = await self._secret()
        read = verify(Cursor, cursor, follower, secret)
        if isinstance(read, Rebootstrap):
            return read
        await self._presence.heard_of(follower.id)
        return await self._puller.pull(follower, cursor, read, secret)

    async def bootstrap(self, follower: Follower, page: str | None) -> Page | Rebootstrap:
        """A page of everything that *follower* may see: the first, or the one that the page before it named."""
        secret = await self._secret()
        token = None if page is None else verify(PageToken, page, follower, secret)
        if isinstance(token, Rebootstrap):
            return token
        return await bootstrap(self._pool, follower, token, secret, self._page_rows)

    async def close(self) -> None:
        """End what is under way; the pool stays open."""
        await self._puller.close()

    async def _secret(self) -> bytes:
        if self._known_secret is None:
            secret: bytes = await self._pool.fetchval("SELECT secret FROM server_settings")
            self._known_secret = secret
        return self._known_secret
