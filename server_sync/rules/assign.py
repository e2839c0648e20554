"""``reservation.assign``: many reservations at once, all of them or each that can be made, with a report of each.

So a coach's group gets several slots, a roster is spread over a day, and a class is put in line for a waitlist: in the
order given, each seeing what those before it took, in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import structs

from server_sync.protocol.errors import INVALID, NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Group
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.placing import Waivers, needs_people, waivers
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reserve import (
    PersonIds,
    Reason,
    Wanted,
    answer_of,
    find_place,
    members_of,
    needs_party,
    needs_wanted,
    what_is_missing,
)
from server_sync.rules.state import Keys

MOST = 1000


class Spread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Participants, or whole groups, over slots in the order given: so many to each slot, a reservation for each."""

    slot_ids: Annotated[list[GivenId], msgspec.Meta(min_length=1, max_length=MOST)]
    participant_ids: PersonIds = []
    group_ids: Annotated[list[GivenId], msgspec.Meta(max_length=MOST)] = []
    per_slot: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 1
    on_full: Literal["refuse", "waitlist"] = "refuse"


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Either each assignment, or how to ``spread`` people over slots.

    ``all`` or nothing: the first that can't be made is the refusal. Or the ``best`` that can be done. Both reasons hold
    for every one of them.
    """

    assignments: Annotated[list[Wanted], msgspec.Meta(max_length=MOST)] = []
    spread: Spread | None = None
    mode: Literal["all", "best"] = "all"
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


def assign(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """A reservation for each, named ``claim/0``, ``claim/1`` and so on after the command."""
    args = command.args
    waived = waivers(command, args.override_reason, args.waive_reason)
    if isinstance(waived, Refusal):
        return waived
    wanted = _wanted(args)
    if isinstance(wanted, Refusal):
        return wanted
    parties = [(each, _needs(draft, each, ask)) for each in wanted]  # all of them first: they are looked up together
    results: list[dict[str, Any]] = []
    refused: list[Refusal] = []
    draft.moments = len(parties)
    for index, (each, people) in enumerate(parties):
        moment = now + timedelta(microseconds=index) if now is not None else None  # in line as they are named
        made = _one(draft, command, command.derive(f"claim/{index}"), each, people, waived, moment, ask)
        if isinstance(made, Refusal):
            refused.append(Refusal(made.code, {"index": index} | made.details))
            results.append({"index": index, "code": made.code, "details": made.details})
        else:
            results.append({"index": index} | made)
    if refused and args.mode == "all":
        return refused[0]
    if not draft.puts:
        return Refusal(NOTHING_TO_DO, {"results": results})
    return {"made": len(results) - len(refused), "refused": len(refused), "results": results}


def _wanted(args: Args) -> list[Wanted] | Refusal:
    """What is asked for, one by one."""
    spread = args.spread
    if bool(args.assignments) == (spread is not None):
        return Refusal(INVALID, {"problem": "give either assignments or how to spread"})
    if spread is None:
        return args.assignments
    if bool(spread.participant_ids) == bool(spread.group_ids):
        return Refusal(INVALID, {"field": "spread", "problem": "name either participant_ids or group_ids"})
    parties = [Wanted(participant_ids=[id], on_full=spread.on_full) for id in spread.participant_ids]
    parties += [Wanted(group_id=id, on_full=spread.on_full) for id in spread.group_ids]
    places = len(spread.slot_ids) * spread.per_slot
    if len(parties) > places:
        details = {"field": "spread", "problem": "more parties than slots for them", "parties": len(parties)}
        return Refusal(INVALID, details | {"places": places})
    return [
        structs.replace(party, slot_id=spread.slot_ids[number // spread.per_slot])
        for number, party in enumerate(parties)
    ]


def _needs(draft: Draft, wanted: Wanted, ask: Keys) -> list[Id]:
    """Ask for one of them; returns its people."""
    if wanted.group_id is not None:
        ask.lock.add((Group, wanted.group_id))
    people = members_of(wanted, draft)
    needs_party(ask, draft, wanted)
    needs_people(ask, people)
    needs_wanted(ask, draft, wanted, people)
    return people


def _one(
    draft: Draft,
    command: Command[Args],
    id: Id,
    wanted: Wanted,
    people: list[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> dict[str, Any] | Refusal:
    """Make one reservation on the draft; what is told of it."""
    problem = what_is_missing(draft, command, wanted, people)
    if problem is not None:
        return problem
    found = find_place(draft, command, id, wanted, people, waived, now, ask)
    if isinstance(found, Refusal):
        return found
    draft.write(*found.puts)
    return answer_of(draft, id)


RULE = rehearsed("reservation.assign", Args, assign, "admin", bulk=True)
