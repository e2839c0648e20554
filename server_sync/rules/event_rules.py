"""``event_rules.create``, ``.update`` and ``.retire``: how an event is judged or run, as JSON that it may name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from server_sync.protocol.errors import IN_USE, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventRules, Programme
from server_sync.rules.changing import change, given, own
from server_sync.rules.command import Command, Rule
from server_sync.rules.create import Name, Text
from server_sync.rules.draft import Draft
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.state import EVENTS_WITH_RULES, Keys


class Create(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name, words for people, and whatever the scoring needs."""

    name: Name
    description: Text | None = None
    configuration: dict[str, Any] | None = None


class Update(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes; ``configuration`` is replaced whole."""

    rules_id: GivenId
    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    configuration: dict[str, Any] | UnsetType | None = UNSET


class Retire(msgspec.Struct, frozen=True, kw_only=True):
    """Which; no event may name them any more."""

    rules_id: GivenId


def create(draft: Draft, command: Command[Create], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """New rules, that no event names yet."""
    programme = draft.get(Programme, command.programme_id)
    if programme is None or programme.deleted:
        return Refusal(NOT_FOUND, {"programme_id": command.programme_id})
    draft.write(EventRules(id=command.id, programme_id=command.programme_id, **given(command.args)))
    return {"id": command.id}


def update(draft: Draft, command: Command[Update], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The rules as they are now, for all events that name them."""
    rules = own(draft, command, EventRules, command.args.rules_id, "rules_id")
    if isinstance(rules, Refusal):
        return rules
    change(draft, rules, given(command.args, "rules_id"))
    return {"id": rules.id}


def retire(draft: Draft, command: Command[Retire], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """They are gone."""
    rules = own(draft, command, EventRules, command.args.rules_id, "rules_id")
    if isinstance(rules, Refusal):
        return rules
    users = [event.id for event in draft.find(EVENTS_WITH_RULES, rules.id)]
    if users:
        return Refusal(IN_USE, {"rules_id": rules.id, "event_ids": users})
    draft.write(structs.replace(rules, deleted=True))
    return {"id": rules.id}


RULES: list[Rule[Any]] = [
    rehearsed("event_rules.create", Create, create),
    rehearsed("event_rules.update", Update, update),
    rehearsed("event_rules.retire", Retire, retire),
]
