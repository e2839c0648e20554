"""What commands that change a row share: which fields were given, whose row it is, and that its name is free.

A field that is left out stays as it is; an explicit null clears it, where it may be empty.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, structs

from server_sync.protocol.errors import ALREADY_EXISTS, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Programme, Record
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.state import Index, Keys, State, named_key

T = TypeVar("T", bound=Record)


def given(args: msgspec.Struct, *leave: str) -> dict[str, Any]:
    """The fields that a command says, by name."""
    names = (name for name in args.__struct_fields__ if name not in leave)
    return {name: value for name in names if (value := getattr(args, name)) is not UNSET}


def change(draft: Draft, row: T, fields: dict[str, Any]) -> T:
    """*row* with *fields*, written if that changes it."""
    changed = structs.replace(row, **fields)
    if changed != row:
        draft.write(changed)
    return changed


def own(state: State, command: Command[Any], record: type[T], id: Id, name: str) -> T | Refusal:
    """The row of this programme with that id, which the command calls *name*."""
    row = state.get(record, id)
    if row is None or row.deleted or row.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {name: id})
    return row


def name_taken(
    state: State, programme_id: Id, index: Index, external_id: str | None, except_for: Id | None = None
) -> Refusal | None:
    """``ALREADY_EXISTS`` if another row has that external id."""
    if external_id is None:
        return None
    for sibling in state.find(index, named_key(programme_id, external_id)):
        if sibling.id != except_for:
            return Refusal(ALREADY_EXISTS, {"external_id": external_id, "id": sibling.id})
    return None


def rename(draft: Draft, command: Command[Any], index: Index, row: Record, ask: Keys) -> Refusal | None:
    """Refuse if the external id that the command gives *row* is another's; the programme is locked for that."""
    external_id = command.args.external_id
    if external_id is UNSET or external_id is None:
        return None
    ask.lock.add((Programme, command.programme_id))
    return name_taken(draft, command.programme_id, index, external_id, row.id)
