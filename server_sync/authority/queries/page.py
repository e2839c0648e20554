"""Lists in pages: each page names where the next begins, so that rows that come and go shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import GivenId, Id

T = TypeVar("T")

Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows in order, and the opaque text that asks for those behind them (None at the end)."""

    rows: list[T]
    next: str | None


async def fetch_page(
    reads: Reads,
    select: sa.Select[Any],
    struct: type[T],
    order: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    key: Callable[[T], tuple[Any, Id]],
    limit: int,
    after: str | None,
) -> Page[T] | Refusal:
    """*limit* rows of *select* behind *after*, ordered by two columns, the second being the id; *key* gives both."""
    if after is not None:
        place = read_place(after, datetime if isinstance(order[0].type, sa.DateTime) else str)
        if place is None:
            return Refusal(INVALID, {"field": "after", "problem": "take it from the page before"})
        bounds = sa.literal(place[0], order[0].type), uid(place[1])
        select = select.where(sa.tuple_(*order) > sa.tuple_(*bounds))
    rows = await reads.rows(select.order_by(*order).limit(limit + 1), struct)
    more = len(rows) > limit
    return Page(rows[:limit], write_place(key(rows[limit - 1])) if more else None)


def write_place(key: tuple[Any, Id]) -> str:
    """Where a page ends, as text for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_place(text: str, first: type[Any]) -> tuple[Any, Id] | None:
    """What ``write_place`` wrote: the value of the first column, and the id; None for anything else."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        written, id = msgspec.json.decode(raw, type=tuple[str, GivenId])
        value = msgspec.convert(written, first)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return None
    strange = "\0" in value if isinstance(value, str) else value.tzinfo is None
    return None if strange else (value, id)
