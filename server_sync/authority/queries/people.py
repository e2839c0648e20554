"""Finding people: the candidates that the database finds for ``rules/search.py``, and what of them is shown.

The order is that of every desk (see there). Prefixes are ranges of the ordered names or tokens of a GIN index; pg_trgm
finds the words that a misspelt one may mean, among the distinct words of all names.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.dialects.postgresql import TSQUERY

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.views import PersonView
from server_sync.authority.tables import groups as _GROUPS
from server_sync.authority.tables import participants as _PEOPLE
from server_sync.authority.tables import search_people as _SEARCH
from server_sync.authority.tables import search_words as _WORDS
from server_sync.protocol.ids import Id, read_ref
from server_sync.rules.alike import Words
from server_sync.rules.search import (
    CODE,
    SCHOOL,
    Answer,
    Ask,
    ByCode,
    Each,
    Either,
    Entry,
    Resembling,
    Stage,
    Stages,
    find,
)

_COLUMNS: Final = [_PEOPLE.c[name] for name in PersonView.__struct_fields__ if name in _PEOPLE.c]

_MANY: Final = 2000
"""More than so many people are not sorted: see ``_first_of_any_number``."""


async def search(
    reads: Reads, programme_id: Id | None, typed: str, limit: int, *, staff: bool, contacts: bool
) -> list[PersonView]:
    """Who *typed* may mean, likeliest first.

    The public is not shown external ids, nor finds anybody by a part of one; only admins are shown contacts.
    """
    seen: dict[Id, PersonView] = {}
    search = find(typed, limit, fields=SCHOOL + CODE if staff else SCHOOL)
    try:
        asked = next(search)
        while True:
            asked = search.send(await _answer(reads, programme_id, asked, seen))
    except StopIteration as done:
        return [_shown(seen[match.id], staff, contacts) for match in done.value]


def _shown(person: PersonView, staff: bool, contacts: bool) -> PersonView:
    return structs.replace(
        person,
        contact=person.contact if contacts else None,
        external_id=person.external_id if staff else None,
    )


class _Staged(PersonView, frozen=True, kw_only=True):
    """Whom a stage found."""

    stage: int


class _Vocabulary(msgspec.Struct, frozen=True):
    """Words that one of the words typed may mean, with spaces between."""

    number: int
    words: str


async def _answer(reads: Reads, programme_id: Id | None, asked: Ask, seen: dict[Id, PersonView]) -> Answer:
    if isinstance(asked, Resembling):
        found = await reads.rows(words(programme_id, asked), _Vocabulary)
        return [Words(one.words.split(" ")) for one in sorted(found, key=lambda one: one.number)]
    people = await reads.rows(candidates(programme_id, asked), _Staged)
    seen |= {person.id: msgspec.convert(person, PersonView, from_attributes=True) for person in people}
    entries: list[list[Entry]] = [[] for _ in asked]
    for p in people:
        entries[p.stage].append(Entry(p.id, p.display_name, p.school, p.external_id, p.ref))
    return entries


def candidates(programme_id: Id | None, asked: Stages) -> sa.Select[Any]:
    """The people whom *asked* asks for, with the number of the ``stage`` that found them.

    One statement: most stages find nobody in far less time than it takes to ask. None is begun once enough are found.
    """
    found: list[sa.CTE] = []
    for number, stage in enumerate(asked):
        few = _of_stage(programme_id, stage, number, _wanted(asked[:number], found, stage.limit))
        found.append(few.cte(f"stage_{number}").prefix_with("MATERIALIZED", dialect="postgresql"))
    everybody = sa.union_all(
        *(sa.select(sa.literal_column(str(number)).label("stage"), few.c.id) for number, few in enumerate(found))
    ).subquery("found")
    return (
        sa.select(*_COLUMNS, _GROUPS.c.name.label("group_name"), everybody.c.stage)
        .join(everybody, everybody.c.id == _PEOPLE.c.id)
        .outerjoin(_GROUPS, _GROUPS.c.id == _PEOPLE.c.group_id)
    )


def _wanted(before: Stages, found: list[sa.CTE], limit: int) -> list[sa.ColumnElement[bool]]:
    """Whether more are wanted than the stages *before* have found: what ``in_turn`` decides where it can look."""
    if not before:
        return []
    everybody = sa.union_all(*(sa.select(few.c.id) for few in found)).subquery()
    count = sa.select(sa.func.count(everybody.c.id.distinct())).scalar_subquery()
    coded = [~sa.exists(sa.select(few.c.id)) for few, one in zip(found, before, strict=True) if isinstance(one, ByCode)]
    return [count < limit, *coded]


def _of_stage(
    programme_id: Id | None, asked: Stage | ByCode, number: int, wanted: list[sa.ColumnElement[bool]]
) -> sa.Select[Any]:
    """The ids of those whom one stage asks for, if they are *wanted*."""
    first, order = sa.select(_SEARCH.c.id).where(*wanted), list[sa.ColumnElement[Any]]()
    if isinstance(asked, ByCode):
        first = first.join(_PEOPLE, _PEOPLE.c.id == _SEARCH.c.id).where(_bears(asked.text))
    if programme_id is not None:
        of = _PEOPLE if isinstance(asked, ByCode) else _SEARCH
        first = first.where(of.c.programme_id == uid(programme_id))
    if isinstance(asked, Stage):
        order = _cost(asked)
        if asked.span is None and not order:
            return _first_of_any_number(first, asked, number)
        first = _meeting(first, asked)
    return first.order_by(*order, _SEARCH.c.key, _SEARCH.c.id).limit(asked.limit)


def _first_of_any_number(select: sa.Select[Any], asked: Stage, number: int) -> sa.Select[Any]:
    """The first by (key, id), whether hundreds meet the condition or nearly all.

    Few are collected and sorted; of many, some are soon met when going through all in order. Which is so is found out
    rather than left to an estimate, since Postgres guesses badly how often the beginning of a rare word occurs.
    """
    some = _meeting(select, asked).add_columns(_SEARCH.c.key).limit(_MANY + 1).cte(f"some_{number}")
    some = some.prefix_with("MATERIALIZED", dialect="postgresql")
    count = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    rare = sa.select(some.c.id).where(count <= _MANY).order_by(some.c.key, some.c.id).limit(asked.limit).subquery()
    met = _meeting(select.where(count > _MANY), asked, by_index=False)
    frequent = met.order_by(_SEARCH.c.key, _SEARCH.c.id).limit(asked.limit).subquery()
    either = sa.union_all(sa.select(rare.c.id), sa.select(frequent.c.id)).subquery()
    return sa.select(either.c.id)


def _bears(text: str) -> sa.ColumnElement[bool]:
    """Who bears *text* as an external id or a ref."""
    ref = read_ref(text)
    named = sa.and_(_PEOPLE.c.external_id == text, _PEOPLE.c.deleted.isnot(True))
    return named if ref is None else sa.or_(named, _PEOPLE.c.ref == ref)


def _meeting(select: sa.Select[Any], stage: Stage, by_index: bool = True) -> sa.Select[Any]:
    if stage.each:
        select = select.where(_has(stage.each) if by_index else _has(stage.each).is_(True))
    if stage.but is not None:
        select = select.where(sa.not_(_has(stage.but)))
    if stage.span is not None:
        low, high = stage.span
        select = select.where(_SEARCH.c.key >= _given(low), _SEARCH.c.key < _given(high))
    return select


def _cost(stage: Stage) -> list[sa.ColumnElement[Any]]:
    """What a stage orders by before the key: nothing where all cost the same, so that an index gives the order."""
    costs = [sa.case((_has((either,)), 0), else_=more) for either, more in stage.costs]
    if stage.first:
        costs.append(sa.case((sa.func.starts_with(_SEARCH.c.key, _given(stage.first)), 0), else_=1))
    if not costs:
        return []
    total: sa.ColumnElement[Any] = costs[0]
    for cost in costs[1:]:
        total = total + cost
    return [total]


def _has(each: Each) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = _SEARCH.c.tokens.bool_op("@@")(
        sa.cast(_given(" & ".join(map(_either, each))), TSQUERY)
    )
    return found


def _either(either: Either) -> str:
    """One of some terms, as a text query. Tokens are folded: there is no quote or backslash in them."""
    return "(" + " | ".join(f"'{term.token}'" + ":*" * term.begins for term in either) + ")"


def _given(text: str) -> sa.BindParameter[str]:
    """*text* within the statement: how many people have a word decides by which index they are best found."""
    return sa.bindparam(None, text, sa.Text(), literal_execute=True)


def words(programme_id: Id | None, asked: Resembling) -> sa.Select[Any]:
    """The words that *asked* asks for, in one text for each: thousands of rows take longer to send than to find."""
    parts: list[Any] = []
    for number, (letter, pieces) in enumerate(asked.each):
        word = _WORDS.c.word
        like = [word.like(_given(pattern)) for pattern in (f"{letter}%", *(f"%{piece}%" for piece in pieces))]
        text = sa.func.coalesce(sa.func.string_agg(word, " "), "")
        columns: tuple[Any, Any] = sa.literal_column(str(number)).label("number"), text.label("words")
        part = sa.select(*columns).where(sa.or_(*like))
        parts.append(part if programme_id is None else part.where(_WORDS.c.programme_id == uid(programme_id)))
    every = sa.union_all(*parts).subquery()
    return sa.select(every.c.number, every.c.words)
