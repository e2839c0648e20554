"""Several documents to one: a list of people, rooms, blocks and claims, read together, complete one another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from server_sync.importers.text import folded, problem
from server_sync.protocol.imports import (
    Import,
    ImportBlock,
    ImportClaim,
    ImportEvent,
    ImportGroup,
    ImportPerson,
    ImportRoom,
    Problem,
    Schedule,
)

_Keyed = TypeVar("_Keyed", ImportRoom, ImportEvent, ImportBlock, ImportGroup, ImportClaim)


def merge(documents: Sequence[Import]) -> Import:
    """One document of several (at least one). The first that says a thing counts; blank facts are filled by later ones.

    A person whom a schedule names without an id is the one person of that name in the other documents, if there is
    only one.
    """
    if len(documents) == 1:
        return documents[0]
    problems = [problem for document in documents for problem in document.problems]
    documents = _same_people(documents, problems)
    people: dict[str, ImportPerson] = {}
    for person in (person for document in documents for person in document.people):
        known = people.get(person.key)
        people[person.key] = person if known is None else _completed(known, person, problems)
    hashes = "\n".join(document.file_hash for document in documents)
    return Import(
        file=", ".join(document.file for document in documents),
        file_hash=hashlib.sha256(hashes.encode()).hexdigest(),
        format="several",
        schedule=_schedule([document.schedule for document in documents if document.schedule is not None]),
        rooms=_by_key(room for document in documents for room in document.rooms),
        events=_by_key(event for document in documents for event in document.events),
        blocks=_by_key(block for document in documents for block in document.blocks),
        people=tuple(people.values()),
        groups=_by_key(group for document in documents for group in document.groups),
        claims=_by_key(claim for document in documents for claim in document.claims),
        problems=tuple(problems),
    )


def _by_key(items: Iterable[_Keyed]) -> tuple[_Keyed, ...]:
    """Each key once, blank facts of the first filled from the later ones."""
    found: dict[str, _Keyed] = {}
    for item in items:
        known = found.get(item.key)
        found[item.key] = item if known is None else _filled(known, item)
    return tuple(found.values())


_Struct = TypeVar("_Struct", ImportRoom, ImportEvent, ImportBlock, ImportGroup, ImportClaim, ImportPerson)


def _filled(known: _Struct, other: _Struct) -> _Struct:
    """`known`, with its blank facts taken from `other`."""
    blank = {
        field: getattr(other, field)
        for field in known.__struct_fields__
        if getattr(known, field) in ("", None, (), {}) and getattr(other, field) not in ("", None, (), {})
    }
    return replace(known, **blank) if blank else known


def _completed(known: ImportPerson, other: ImportPerson, problems: list[Problem]) -> ImportPerson:
    """A person whom two files name; another name under the same id is doubtful."""
    if known.display_name and other.display_name and folded(known.display_name) != folded(other.display_name):
        reason = f"the id {known.key} is that of “{known.display_name}” in {known.place}, whose name counts"
        problems.append(problem("doubtful", "several_names", other.place, other.display_name, reason, "check the id"))
    # A mere reference has the schedule's place; the row that names the person is the better one.
    return _filled(known, other) if known.display_name or not other.display_name else _filled(other, known)


def _schedule(schedules: Sequence[Schedule]) -> Schedule | None:
    """The first schedule, over the dates of all."""
    if not schedules:
        return None
    firsts = [schedule.first_date for schedule in schedules if schedule.first_date is not None]
    lasts = [schedule.last_date for schedule in schedules if schedule.last_date is not None]
    return replace(schedules[0], first_date=min(firsts, default=None), last_date=max(lasts, default=None))


def _same_people(documents: Sequence[Import], problems: list[Problem]) -> list[Import]:
    """The documents with people known by name alone replaced by the one person of that name elsewhere."""
    by_name: dict[str, set[str]] = {}
    for person in (person for document in documents for person in document.people):
        by_name.setdefault(folded(person.display_name), set()).add(person.key)
    renamed: dict[str, str] = {}
    for document in documents:
        for person in document.people:
            bare = "name:" + folded(person.display_name)
            if person.key != bare:
                continue
            others = by_name[folded(person.display_name)] - {person.key}
            if len(others) == 1:
                renamed[person.key] = next(iter(others))
            elif others:
                reason = f"{len(others)} people bear this name; it came in as one more"
                problems.append(
                    problem("doubtful", "several_ids", person.place, person.display_name, reason, "use the person's id")
                )
    if not renamed:
        return list(documents)
    return [
        replace(
            document,
            people=tuple(person for person in document.people if person.key not in renamed),
            claims=tuple(
                replace(claim, people=tuple(renamed.get(key, key) for key in claim.people)) for claim in document.claims
            ),
        )
        for document in documents
    ]
