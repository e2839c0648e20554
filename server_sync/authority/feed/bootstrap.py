"""Everything a desk may see, page by page, each page of a moment of its own.

The cursor is the first page's, so whatever changed while the pages were read comes with the pull that follows,
deletions included. A page can be asked for again, and a desk that was cut off goes on where it was.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from server_sync.authority.connection import Connection, Pool
from server_sync.authority.feed.cursor import Cursor, Follower, PageToken, sign
from server_sync.authority.feed.reply import Page
from server_sync.authority.feed.rows import RESULT, RESULTS, put
from server_sync.authority.feed.standing import standing
from server_sync.protocol.commands import Begin, End, Rebootstrap
from server_sync.protocol.records import SYNCED

PAGE_ROWS: Final = 2000

_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"


@cache
def _rows_after(table: int, sees_all: bool, most: int) -> str:
    """The next *most* rows of a table. $1 is the programme, $2 the last id; answers (key, line)."""
    record = SYNCED[table]
    return (
        f"SELECT id::text, {put(record, sees_all)} FROM {record.TABLE}"
        f" WHERE programme_id = $1::uuid AND id > $2::uuid AND deleted IS NOT TRUE ORDER BY id LIMIT {most}"
    )


_RESULTS_AFTER: Final = (
    f"SELECT c.incarnation || ':' || c.seq, {RESULT} FROM commands c WHERE c.device_id = $1::uuid AND c.seq IS NOT NULL"
    " AND (c.incarnation, c.seq) > ($2::int, $3::bigint) ORDER BY c.incarnation, c.seq LIMIT $4"
)

_TOTAL: Final = (
    "SELECT "
    + " + ".join(
        f"(SELECT count(*) FROM {record.TABLE} WHERE programme_id = $1::uuid AND deleted IS NOT TRUE)"
        for record in SYNCED
    )
    + " + (SELECT count(*) FROM commands WHERE device_id = $2::uuid AND seq IS NOT NULL)"
)


async def bootstrap(
    pool: Pool, follower: Follower, token: PageToken | None, secret: bytes, most: int
) -> Page | Rebootstrap:
    """The page at *token*, or the first, of about *most* rows."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await standing(connection)
        if token is None:
            total = await connection.fetchval(_TOTAL, follower.programme_id, follower.id)
            token = PageToken(Cursor(now.snapshot, now.epoch, follower.scope), 0, None, total)
        elif not now.follows(token.cursor.snapshot, token.cursor.epoch):
            return Rebootstrap("epoch")
        lines: list[str] = []
        at: PageToken | None = token
        while at is not None and len(lines) < most:
            rows = await _next_rows(connection, follower, at, most)
            lines += [row[1] for row in rows]
            at = _after(at, rows[-1][0] if len(rows) == most else None)
    return Page(
        begin=Begin(total=token.total),
        pieces=("\n".join(lines).encode() + b"\n",) if lines else (),
        end=End(
            rows=len(lines),
            server_time=now.server_time,
            cursor=sign(token.cursor, secret),
            next_page=None if at is None else sign(at, secret),
        ),
    )


async def _next_rows(connection: Connection, follower: Follower, at: PageToken, most: int) -> list[tuple[str, str]]:
    if at.table == RESULTS:
        incarnation, seq = (int(part) for part in (at.after or "0:0").split(":"))
        return await connection.fetch(_RESULTS_AFTER, follower.id, incarnation, seq, most)
    statement = _rows_after(at.table, follower.sees_all, most)
    return await connection.fetch(statement, follower.programme_id, at.after or _FIRST_ID)


def _after(at: PageToken, key: str | None) -> PageToken | None:
    """After the row *key*; after the whole table if it is None, which ends after the last."""
    if key is not None:
        return PageToken(at.cursor, at.table, key, at.total)
    return PageToken(at.cursor, at.table + 1, None, at.total) if at.table < RESULTS else None
