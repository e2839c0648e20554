"""The pool that reads run on, and rows as structs.

Postgres makes each row a JSON object and msgspec reads it: a SELECT's columns are named as the struct's fields.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server_sync.authority.connection import SESSION
from server_sync.protocol.ids import Id

T = TypeVar("T")

POOL: int = 4


def engine_url(url: str) -> str:
    """A ``postgresql://`` URL as SQLAlchemy wants it."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


class Reads:
    """Runs SELECTs. Opened with the application, closed with it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, size: int = POOL) -> Self:
        """A pool of at most *size* connections, each made when first needed."""
        settings = SESSION | {
            "plan_cache_mode": "auto",
            "enable_seqscan": "on",  # lists and reports may read a table whole
            "default_transaction_read_only": "on",
            "pg_trgm.word_similarity_threshold": "0.4",  # one slip in a short name still resembles it
        }
        return cls(
            create_async_engine(
                engine_url(url), pool_size=size, max_overflow=0, pool_timeout=10, pool_pre_ping=True,
                connect_args={"server_settings": settings, "timeout": 10}, isolation_level="AUTOCOMMIT",
            )
        )  # fmt: skip

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def rows(self, select: sa.Select[Any], struct: type[T]) -> list[T]:
        """The rows of *select*, each a *struct*."""
        x = select.subquery("x")
        async with self._engine.connect() as connection:
            row = sa.cast(sa.func.row_to_json(sa.text("x")), sa.Text)
            texts = await connection.scalars(sa.select(row).select_from(x))
            return msgspec.json.decode("[" + ",".join(texts) + "]", type=list[struct])  # type: ignore[valid-type]

    async def one(self, select: sa.Select[Any], struct: type[T]) -> T | None:
        """The first row of *select*, or None."""
        found = await self.rows(select.limit(1), struct)
        return found[0] if found else None

    async def value(self, select: sa.Select[Any]) -> Any:
        """The first column of the first row, or None."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select)


def uid(id: Id) -> sa.Cast[Any]:
    """*id* as a UUID of the database."""
    return sa.cast(sa.literal(id, sa.Text()), sa.Uuid())
