"""Finding people: by part of a name in any order, with slips, by an external id, or by a ref."""

from __future__ import annotations

import re
from typing import Any, Final

import sqlalchemy as sa
from msgspec import structs

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.views import PersonView
from server_sync.authority.tables import groups as _GROUPS
from server_sync.authority.tables import participants as _PEOPLE
from server_sync.protocol.ids import Id, read_ref

MOST_WORDS: Final = 8
_WORD: Final = re.compile(r"\w+")


async def search(
    reads: Reads, programme_id: Id | None, typed: str, limit: int, *, staff: bool, contacts: bool
) -> list[PersonView]:
    """Who *typed* may mean, likeliest first. The public is not shown external ids, and only admins contacts."""
    found = await reads.rows(_exact(_people(programme_id), typed), PersonView)
    if not found:
        found = await reads.rows(_by_name(_people(programme_id), typed).limit(limit), PersonView)
    return [_shown(person, staff, contacts) for person in found[:limit]]


def _shown(person: PersonView, staff: bool, contacts: bool) -> PersonView:
    return structs.replace(
        person,
        contact=person.contact if contacts else None,
        external_id=person.external_id if staff else None,
    )


def _people(programme_id: Id | None) -> sa.Select[Any]:
    select = (
        sa.select(_PEOPLE, _GROUPS.c.name.label("group_name"))
        .outerjoin(_GROUPS, _GROUPS.c.id == _PEOPLE.c.group_id)
        .where(_PEOPLE.c.deleted.isnot(True), _PEOPLE.c.erased.isnot(True), _PEOPLE.c.merged_into.is_(None))
    )
    return select if programme_id is None else select.where(_PEOPLE.c.programme_id == uid(programme_id))


def _exact(select: sa.Select[Any], typed: str) -> sa.Select[Any]:
    """Whoever bears *typed* as an external id or a ref."""
    named = _PEOPLE.c.external_id == typed.strip()
    ref = read_ref(typed)
    return select.where(named if ref is None else sa.or_(named, _PEOPLE.c.ref == ref)).limit(20)


def _by_name(select: sa.Select[Any], typed: str) -> sa.Select[Any]:
    """Names that hold a word beginning with each word typed, then those that merely look alike."""
    words = _WORD.findall(typed)[:MOST_WORDS]
    name = sa.func.folded(_PEOPLE.c.display_name)
    folded = sa.func.folded(sa.literal(" ".join(words), sa.Text()))
    if not words:
        return select.where(sa.false())
    begins = _has_words(name, words)
    alike = sa.func.word_similarity(folded, name)
    return select.where(sa.or_(begins, folded.op("<%")(name))).order_by(
        begins.desc(), alike.desc(), _PEOPLE.c.display_name, _PEOPLE.c.id
    )


def _has_words(name: sa.ColumnElement[Any], words: list[str]) -> sa.ColumnElement[bool]:
    """Whether *name* holds, for each of *words*, a word that begins so."""
    simple = sa.text("'simple'::regconfig")
    found = sa.func.to_tsvector(simple, name)
    return sa.and_(*(found.op("@@")(sa.func.to_tsquery(simple, _beginning(word))) for word in words))


def _beginning(word: str) -> sa.ColumnElement[str]:
    """The query for words that begin like *word*: quoted after folding, which may turn one letter into a quote."""
    folded = sa.func.replace(sa.func.folded(sa.literal(word, sa.Text())), "'", "")
    return sa.func.concat("'", folded, "':*")
