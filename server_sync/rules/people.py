"""``participant.update``, ``group.update`` and ``group.set_members``: what is known of people and who belongs together.

A field that is left out stays; null clears it. This file also says who may be changed at all (``living``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from server_sync.protocol.errors import ALREADY_EXISTS, ERASED, INVALID, NOT_FOUND, NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Group, Participant, Programme
from server_sync.rules.command import Command, Rule
from server_sync.rules.create import Name, display_name
from server_sync.rules.state import GROUP_NAMED, PEOPLE_OF_GROUP, PERSON_NAMED, Changes, Index, Keys, State, named_key

Contact = Annotated[str, msgspec.Meta(max_length=320)]
Age = Annotated[int, msgspec.Meta(ge=0, le=150)]


class UpdateParticipant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who, and what is different. The display name follows the first and last names unless it is given itself."""

    participant_id: GivenId
    first_name: Name | UnsetType | None = UNSET
    last_name: Name | UnsetType | None = UNSET
    display_name: Name | UnsetType | None = UNSET
    external_id: Name | UnsetType | None = UNSET
    school: Name | UnsetType | None = UNSET
    grade: Name | UnsetType | None = UNSET
    age: Age | UnsetType | None = UNSET
    group_id: GivenId | UnsetType | None = UNSET
    contact: Contact | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class UpdateGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which group, and what is different."""

    group_id: GivenId
    name: Name | UnsetType = UNSET
    school: Name | UnsetType | None = UNSET
    external_id: Name | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class SetMembers(msgspec.Struct, frozen=True, kw_only=True):
    """A group and everybody who is to be in it: who is not named leaves it, who was in another comes over."""

    group_id: GivenId
    participant_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)]


def living(state: State, command: Command[Any], participant_id: Id) -> Participant | Refusal:
    """The person, if there is something to change: not gone, not merged (the refusal says into whom), not erased."""
    row = state.get(Participant, participant_id)
    if row is None or row.deleted or row.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"participant_id": participant_id})
    if row.merged_into is not None:
        return Refusal(NOT_FOUND, {"participant_id": participant_id, "merged_into": row.merged_into})
    if row.erased:
        return Refusal(ERASED, {"participant_id": participant_id})
    return row


def existing_group(state: State, command: Command[Any], group_id: Id) -> Group | Refusal:
    """The group, if it is of this programme."""
    row = state.get(Group, group_id)
    if row is None or row.deleted or row.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"group_id": group_id})
    return row


def given(args: msgspec.Struct, *leave: str) -> dict[str, Any]:
    """The arguments that were not left out."""
    found = {name: getattr(args, name) for name in args.__struct_fields__ if name not in leave}
    return {name: value for name, value in found.items() if value is not UNSET}


def _needs_name(keys: Keys, command: Command[Any], index: Index) -> None:
    """An external id that is given: the programme, so that two who want one queue, and whoever bears it."""
    name = command.args.external_id
    if isinstance(name, str):
        keys.lock.add((Programme, command.programme_id))
        keys.find.add((index, named_key(command.programme_id, name)))


def _named_alike(state: State, command: Command[Any], index: Index, own: Id) -> Refusal | None:
    name = command.args.external_id
    if not isinstance(name, str):
        return None
    for other in state.find(index, named_key(command.programme_id, name)):
        if other.id != own:
            return Refusal(ALREADY_EXISTS, {"external_id": name, "id": other.id})
    return None


# --------------------------------------------------------------- participants


def needs_update(command: Command[UpdateParticipant], loaded: State) -> Keys:
    """The person, the group that is named, and whoever bears the external id."""
    args, keys = command.args, Keys(lock={(Participant, command.args.participant_id)})
    if isinstance(args.group_id, str):
        keys.lock.add((Group, args.group_id))  # or it were retired meanwhile
    _needs_name(keys, command, PERSON_NAMED)
    return keys


def update(state: State, command: Command[UpdateParticipant], now: datetime) -> Changes | Refusal:
    """The person as said; ``NOTHING_TO_DO`` if all of it is so already."""
    args = command.args
    person = living(state, command, args.participant_id)
    if isinstance(person, Refusal):
        return person
    fields = given(args, "participant_id")
    name = _name(person, fields)
    if name is None:
        return Refusal(INVALID, {"field": "display_name", "problem": "a person needs a name"})
    if isinstance(args.group_id, str):
        group = existing_group(state, command, args.group_id)
        if isinstance(group, Refusal):
            return group
    taken = _named_alike(state, command, PERSON_NAMED, person.id)
    if taken is not None:
        return taken
    changed = structs.replace(person, **fields | {"display_name": name})
    if changed == person:
        return Refusal(NOTHING_TO_DO, {"participant_id": person.id})
    return Changes([changed], {"participant_id": person.id, "display_name": name})


def _name(person: Participant, fields: dict[str, Any]) -> str | None:
    """What the person is called once *fields* hold; None if no name is left."""
    if not fields.keys() & {"first_name", "last_name", "display_name"}:
        return person.display_name
    first, last = fields.get("first_name", person.first_name), fields.get("last_name", person.last_name)
    return display_name(first, last, fields.get("display_name"))


# --------------------------------------------------------------------- groups


def needs_update_group(command: Command[UpdateGroup], loaded: State) -> Keys:
    """The group, and whichever bears the external id."""
    keys = Keys(lock={(Group, command.args.group_id)})
    _needs_name(keys, command, GROUP_NAMED)
    return keys


def update_group(state: State, command: Command[UpdateGroup], now: datetime) -> Changes | Refusal:
    """The group as said; ``NOTHING_TO_DO`` if all of it is so already."""
    group = existing_group(state, command, command.args.group_id)
    if isinstance(group, Refusal):
        return group
    taken = _named_alike(state, command, GROUP_NAMED, group.id)
    if taken is not None:
        return taken
    changed = structs.replace(group, **given(command.args, "group_id"))
    if changed == group:
        return Refusal(NOTHING_TO_DO, {"group_id": group.id})
    return Changes([changed], {"group_id": group.id})


def needs_set_members(command: Command[SetMembers], loaded: State) -> Keys:
    """The group, who is in it, and who is to be."""
    args = command.args
    keys = Keys(lock={(Group, args.group_id)}, find={(PEOPLE_OF_GROUP, args.group_id)})
    keys.lock |= {(Participant, id) for id in args.participant_ids}
    keys.lock |= {(Participant, person.id) for person in loaded.find(PEOPLE_OF_GROUP, args.group_id)}
    return keys


def set_members(state: State, command: Command[SetMembers], now: datetime) -> Changes | Refusal:
    """The group made up of exactly those who are named. What it has reserved stays as it is."""
    group = existing_group(state, command, command.args.group_id)
    if isinstance(group, Refusal):
        return group
    wanted: dict[Id, Participant] = {}
    for id in dict.fromkeys(command.args.participant_ids):
        person = living(state, command, id)
        if isinstance(person, Refusal):
            return person
        wanted[id] = person
    there = {person.id: person for person in state.find(PEOPLE_OF_GROUP, group.id)}
    added = [structs.replace(person, group_id=group.id) for id, person in wanted.items() if id not in there]
    removed = leaving_group(person for id, person in there.items() if id not in wanted)
    if not added and not removed:
        return Refusal(NOTHING_TO_DO, {"group_id": group.id})
    answer = {"group_id": group.id, "added": [row.id for row in added], "removed": [row.id for row in removed]}
    return Changes([*added, *removed], answer)


def leaving_group(people: Iterable[Participant]) -> list[Participant]:
    """*people* as they are once they are in no group."""
    return [structs.replace(person, group_id=None) for person in people]


RULES: list[Rule[Any]] = [
    Rule("participant.update", UpdateParticipant, "admin", needs_update, update),
    Rule("group.update", UpdateGroup, "admin", needs_update_group, update_group),
    Rule("group.set_members", SetMembers, "admin", needs_set_members, set_members),
]
