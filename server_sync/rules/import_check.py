"""Whether an import document can be worked with at all: its size, its keys, its times and numbers.

A document may come from anybody, not only from our own readers. What is wrong in one row is refused by row later;
here is what would make the whole of it senseless or unstorable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from server_sync.protocol.imports import Import, ImportBlock

MOST_ROWS: Final = 200_000
MOST_SLOTS: Final = 1000
MOST_CHARACTERS: Final = 200_000
LONGEST_NAME: Final = 500
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
LARGEST_NUMBER: Final = 1_000_000
_LONGEST: Final = dict.fromkeys(("description", "notes", "contact", "waiver"), MOST_CHARACTERS)


def problem_of(document: Import) -> str | None:
    """Why nothing of *document* can be imported, and where; None if it can."""
    sizes = {name: len(getattr(document, name)) for name in ("rooms", "events", "blocks", "people", "groups", "claims")}
    if sum(sizes.values()) > MOST_ROWS:
        return f"the file has {sum(sizes.values())} rows; {MOST_ROWS} are the most: split it"
    for name in sizes:
        rows = getattr(document, name)
        twice = _first_twice(row.key for row in rows)
        if twice is not None:
            return f"two {name} bear the key {twice[:200]!r}"
        for number, row in enumerate(rows):
            problem = next(_problems(row), None)
            if problem is not None:
                return f"{problem} - at `$.document.{name}[{number}]`"
    return _too_many_slots(document.blocks)


def _first_twice(keys: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None


def _problems(row: msgspec.Struct) -> Iterator[str]:
    """What makes *row* unstorable, field by field."""
    for field in row.__struct_fields__:
        value: Any = getattr(row, field)
        kind = type(value)
        if kind is str:
            if len(value) > LONGEST_NAME and len(value) > _LONGEST.get(field, LONGEST_NAME):
                yield f"{field} has {len(value)} characters; {_LONGEST.get(field, LONGEST_NAME)} are the most"
        elif kind is datetime:
            if value.tzinfo is None:
                yield f"{field} has no time zone"
            elif not EARLIEST < value < LATEST:
                yield f"{field} is not between 1900 and 2200"
        elif kind is int:
            if not 0 <= value <= LARGEST_NUMBER:
                yield f"{field} is not between 0 and {LARGEST_NUMBER}"
        elif kind is tuple and any(len(text) > LONGEST_NAME for text in value):
            yield f"{field} has a text of more than {LONGEST_NAME} characters"
    if getattr(row, "key", None) == "":
        yield "key is empty"
    if isinstance(row, ImportBlock):
        if row.end <= row.start:
            yield "it ends before it begins"
        if row.slot_duration_minutes == 0:
            yield "slot_duration_minutes is 0"


def _too_many_slots(blocks: Iterable[ImportBlock]) -> str | None:
    total = 0
    for block in blocks:
        total += block.slot_count
        if block.slot_count > MOST_SLOTS or total > MOST_ROWS:
            return f"the block {block.key[:200]!r} makes {block.slot_count} slots, {total} with those before it"
    return None
