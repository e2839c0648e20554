"""``import.apply``: a whole file in one transaction. The same file twice changes nothing.

A dry run is the same ``decide``, not committed. What the file no longer names stays, and is said; what is there and
lives (claims, check-ins, places taken) is never destroyed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import structs

from server_sync.protocol.errors import NOT_FOUND, Refusal
from server_sync.protocol.imports import Import
from server_sync.protocol.records import Programme
from server_sync.rules.command import Command, Rule
from server_sync.rules.import_blocks import blocks, put_blocks
from server_sync.rules.import_check import problem_of
from server_sync.rules.import_claims import Claims
from server_sync.rules.import_plan import WHOLE, Plan
from server_sync.rules.import_report import TableCounts, preview
from server_sync.rules.import_rows import rows
from server_sync.rules.import_slots import slots
from server_sync.rules.state import Changes, Keys, State
from server_sync.rules.waitlist import promoted_answer

__all__ = ["RULE", "Args", "TableCounts", "decide", "needs", "preview"]

_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """What an importer read, its file's hash inside; raises ValueError (read from JSON: ``INVALID``) for nonsense."""

    document: Import

    def __post_init__(self) -> None:
        problem = problem_of(self.document)
        if problem is not None:
            raise ValueError(problem)


def needs(command: Command[Args], loaded: State) -> Keys:
    """The programme, so that imports queue; all its rows; and locks on those that would change or get fuller.

    Where somebody waits, whoever would be promoted too.
    """
    keys = Keys(lock={(Programme, command.programme_id)}, find={(index, command.programme_id) for index in WHOLE})
    for index in WHOLE:
        loaded.find(index, command.programme_id)
    programme = loaded.get(Programme, command.programme_id)
    if programme is None:
        return keys
    plan = _plan(loaded, command, programme, _SOME_TIME, keys)
    keys.lock |= plan.locked
    keys.lock.update(plan.written())
    keys.read |= plan.read
    keys.find |= plan.finds
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The rows that differ from what is there, and a report that names what is doubtful or was refused."""
    programme = state.get(Programme, command.programme_id)
    if programme is None or programme.deleted:
        return Refusal(NOT_FOUND, {"programme_id": command.programme_id})
    plan = _plan(state, command, programme, now)
    answer: dict[str, Any] = {"file": plan.document.file, "file_hash": plan.document.file_hash}
    return Changes(plan.puts(), answer | plan.report.answer() | promoted_answer(plan.promoted))


def _plan(state: State, command: Command[Args], programme: Programme, now: datetime, ask: Keys | None = None) -> Plan:
    """Everything that the import would do."""
    plan = Plan(state, command, _in_utc(command.args.document), programme, now)
    found = rows(plan)
    placed = blocks(plan, found)
    cut = slots(plan, placed)
    put_blocks(plan, placed)
    Claims(plan, found, placed, cut).put(ask)
    return plan


def _in_utc(document: Import) -> Import:
    """The document with its times in UTC, in which rows are compared and kept."""
    if all(block.start.tzinfo is UTC and block.end.tzinfo is UTC for block in document.blocks):
        return document
    return structs.replace(
        document,
        blocks=tuple(
            structs.replace(block, start=block.start.astimezone(UTC), end=block.end.astimezone(UTC))
            for block in document.blocks
        ),
    )


RULE = Rule("import.apply", Args, "admin", needs, decide, bulk=True)
