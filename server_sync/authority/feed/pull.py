"""What changed since a desk's cursor: the rows of its programme and the verdicts on its own commands, at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from server_sync.authority.connection import Pool
from server_sync.authority.feed.cursor import Cursor, Follower, sign
from server_sync.authority.feed.reply import Delta
from server_sync.authority.feed.rows import PRESENCE, RESULTS, changes
from server_sync.authority.feed.shared import Shared
from server_sync.authority.feed.standing import Standing, standing
from server_sync.protocol.commands import Begin, Desk, End, Rebootstrap
from server_sync.protocol.ids import Id

_DESK: Final = msgspec.json.Decoder(Desk)


class Question(NamedTuple):
    """What desks share: a programme, which columns, and from where on."""

    programme_id: Id
    sees_all: bool
    snapshot: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One read for every desk that asked alike. ``results`` and ``desks`` go by device."""

    standing: Standing
    rows: int
    text: bytes
    results: dict[Id, tuple[int, bytes]]
    desks: dict[Id, Desk]


class Puller:
    """Reads through *pool*, and shares a read among desks at the same cursor and scope."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._shared = Shared(self._read)

    async def pull(self, follower: Follower, said: str, cursor: Cursor, secret: bytes) -> Delta | Rebootstrap:
        """What *follower* lacks since *cursor* (which it sent as *said*)."""
        question = Question(follower.programme_id, follower.sees_all, cursor.snapshot, cursor.epoch)
        changed = await self._shared.ask(question)
        if changed is None:
            return Rebootstrap("epoch")
        own_count, own_text = changed.results.get(follower.id, (0, b""))
        now = changed.standing
        following = Cursor(now.snapshot, now.epoch, follower.scope)
        return Delta(
            begin=Begin(from_cursor=said),
            pieces=tuple(text for text in (changed.text, own_text) if text),
            end=End(
                rows=changed.rows + own_count,
                server_time=now.server_time,
                cursor=sign(following, secret),
                desks=[desk for id, desk in changed.desks.items() if id != follower.id],
            ),
        )

    async def close(self) -> None:
        """End what is under way."""
        await self._shared.close()

    async def _read(self, question: Question, begin: Callable[[], None]) -> Changed | None:
        """The answer to *question*; None if its snapshot is of another history than the database's."""
        async with self._pool.acquire() as connection:
            begin()
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                now = await standing(connection)
                if not now.follows(question.snapshot, question.epoch):
                    return None
                parts = await connection.fetch(
                    changes(question.sees_all), question.programme_id, snapshot_argument(question.snapshot)
                )
        rows, texts = 0, []
        results: dict[Id, tuple[int, bytes]] = {}
        desks: dict[Id, Desk] = {}
        for part, key, count, text in parts:
            if part == PRESENCE:
                desks[key] = _DESK.decode(text)
            elif part == RESULTS:
                results[key] = count, text.encode() + b"\n"
            elif text is not None:
                rows += count
                texts.append(text.encode() + b"\n")
        return Changed(now, rows, b"".join(texts), results, desks)


def snapshot_argument(snapshot: str) -> tuple[int, int, tuple[int, ...]]:
    """A ``pg_snapshot`` as the driver takes it."""
    xmin, xmax, running = snapshot.split(":")
    return int(xmin), int(xmax), tuple(int(xid) for xid in running.split(",") if xid)
