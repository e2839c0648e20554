"""``flag.resolve``: somebody looked, and says what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import structs

from server_sync.protocol.errors import ALREADY_RESOLVED, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import Flag
from server_sync.rules.command import Command, Rule
from server_sync.rules.state import Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """Which flag, and what was done about it (``seen``, ``moved``, …)."""

    flag_id: GivenId
    resolution: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "seen"


def needs(command: Command[Args], loaded: State) -> Keys:
    """The flag."""
    return Keys(lock={(Flag, command.args.flag_id)})


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The resolved flag; ``ALREADY_RESOLVED`` names who was faster."""
    flag = state.get(Flag, command.args.flag_id)
    if flag is None or flag.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"flag_id": command.args.flag_id})
    if flag.resolved_at is not None:
        return Refusal(ALREADY_RESOLVED, {"flag_id": flag.id, "by": flag.resolved_by, "at": flag.resolved_at})
    resolved = structs.replace(
        flag, resolved_at=command.happened(now), resolved_by=command.actor, resolution=command.args.resolution
    )
    return Changes([resolved], {"flag_id": flag.id})


RULE = Rule("flag.resolve", Args, "volunteer", needs, decide)
