"""``reservation.walk_in``: somebody stands at the desk and gets a place, being known or not. That they came is a fact.

The reservation bears the command's id; whoever is new becomes a participant, named ``person``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import Participant, Programme
from server_sync.rules.changing import name_taken
from server_sync.rules.command import Command
from server_sync.rules.create import Name, display_name
from server_sync.rules.draft import Draft
from server_sync.rules.placing import needs_people, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import (
    Guests,
    Reason,
    Requirements,
    Wanted,
    answer_of,
    find_place,
    needs_wanted,
    what_is_missing,
)
from server_sync.rules.state import PERSON_NAMED, Keys


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where, and who: a participant, or the name of somebody who is to be one. ``contact`` is kept with the person."""

    slot_id: GivenId
    participant_id: GivenId | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    external_id: Name | None = None
    school: Name | None = None
    grade: Name | None = None
    age: Annotated[int, msgspec.Meta(ge=0, le=150)] | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    guests: Guests = 0
    special_requirements: Requirements | None = None
    seat_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []
    on_full: Literal["refuse", "waitlist"] = "refuse"
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


_OF_THE_PERSON = ("first_name", "last_name", "external_id", "school", "grade", "age", "contact")


def walk_in(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """A reservation of somebody known, or of somebody who is from now on."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    person = _newcomer(draft, command, ask) if args.participant_id is None else _known(args)
    if isinstance(person, Refusal):
        return person
    if isinstance(person, Participant):
        draft.write(person)
    people = [person.id if isinstance(person, Participant) else person]
    wanted = Wanted(
        slot_id=args.slot_id,
        participant_ids=people,
        guests=args.guests,
        special_requirements=args.special_requirements,
        seat_ids=args.seat_ids,
        on_full=args.on_full,
    )
    needs_people(ask, people)
    needs_wanted(ask, draft, wanted, people)
    problem = what_is_missing(draft, command, wanted, people)
    if problem is not None:
        return problem
    found = find_place(draft, command, command.id, wanted, people, waived, now, ask)
    if isinstance(found, Refusal):
        return found
    draft.write(*found.puts)
    return answer_of(draft, command.id) | {"participant_id": people[0]}


def _known(args: Args) -> str | Refusal:
    """The id of whoever is named, of whom nothing is to be changed here."""
    told = [name for name in ("display_name", *_OF_THE_PERSON) if getattr(args, name) is not None]
    if told:
        return Refusal(INVALID, {"problem": "name a participant, or say who it is, not both", "fields": told})
    assert args.participant_id is not None
    return args.participant_id


def _newcomer(draft: Draft, command: Command[Args], ask: Keys) -> Participant | Refusal:
    """The participant to be."""
    args = command.args
    name = display_name(args.first_name, args.last_name, args.display_name)
    if name is None:
        return Refusal(INVALID, {"field": "display_name", "problem": "a person needs a name"})
    if args.external_id is not None:
        ask.lock.add((Programme, command.programme_id))
    taken = name_taken(draft, command.programme_id, PERSON_NAMED, args.external_id)
    if taken is not None:
        return taken
    return Participant(
        id=command.derive("person"),
        programme_id=command.programme_id,
        display_name=name,
        **{name: getattr(args, name) for name in _OF_THE_PERSON},
    )


RULE = rehearsed("reservation.walk_in", Args, walk_in, "volunteer")
