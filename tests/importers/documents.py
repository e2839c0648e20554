"""What these tests ask of a document that was read."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from server_sync.importers import Defaults, read
from server_sync.protocol.imports import Import, ImportBlock, ImportRefused, Problem


def imported(name: str, data: bytes | str, defaults: Defaults | None = None) -> Import:
    """The document of a file that must be readable."""
    found = read(name, data.encode() if isinstance(data, str) else data, defaults or Defaults())
    assert isinstance(found, Import), found
    return found


def refusal(name: str, data: bytes | str) -> Problem:
    """The problem of a file that must not be readable; it always says why and what to do."""
    found = read(name, data.encode() if isinstance(data, str) else data)
    assert isinstance(found, ImportRefused), found
    assert found.problem.reason
    assert found.problem.advice
    return found.problem


def codes(document: Import) -> Counter[str]:
    """How often each code of problem occurs."""
    return Counter(problem.code for problem in document.problems)


def with_code(document: Import, code: str) -> list[Problem]:
    """The problems of one code."""
    return [problem for problem in document.problems if problem.code == code]


def neighbours_overlapping(document: Import) -> int:
    """How many blocks begin before the one before them in the same room has ended."""
    rooms: dict[str, list[ImportBlock]] = {}
    for block in document.blocks:
        rooms.setdefault(block.room, []).append(block)
    return sum(
        later.start < earlier.end
        for blocks in rooms.values()
        for earlier, later in pairwise(sorted(blocks, key=lambda block: (block.start, block.end)))
    )


def unwaived_room_overlaps(document: Import) -> int:
    """How many pairs of blocks without a waiver share a room at the same time."""
    blocks = [block for block in document.blocks if not block.waiver]
    return sum(
        one.room == other.room and one.start < other.end and other.start < one.end
        for index, one in enumerate(blocks)
        for other in blocks[:index]
    )


def past_midnight(document: Import, offset: timedelta) -> int:
    """How many blocks end on a later day than they begin, at a fixed offset from UTC."""
    return sum((block.end + offset).date() > (block.start + offset).date() for block in document.blocks)
