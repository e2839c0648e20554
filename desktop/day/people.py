"""Whom the desk can find: participants, groups, and claims that are by a name alone; and each one's claims."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.store.people_index import PeopleIndex
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Group, Participant, Record, ReservationMember, SlotReservation
from server_sync.rules.search import Entry, Found, key
from server_sync.rules.state import State

Subject = Participant | Group | SlotReservation


@dataclass(frozen=True, slots=True)
class _Belonging:
    """That a claim is somebody's."""

    subject: Id
    claim: Id


class People:
    """Kept in step with *state* by ``changed``. ``quiet``: the state is still being filled, don't read it.

    Participants are searched by themselves, as the centre searches them, so that they stand in its order; groups and
    names then join them where they rank.
    """

    def __init__(self, state: State, quiet: bool = False) -> None:
        self._state = state
        self._quiet = quiet
        self._claims: dict[Id, set[Id]] = {}
        self._participants, self._others = PeopleIndex(), PeopleIndex()
        if quiet:
            return
        self._participants = PeopleIndex(_entries(state, Participant))
        self._others = PeopleIndex([*_entries(state, Group), *_entries(state, SlotReservation)])
        for rows in (state.rows[SlotReservation], state.rows[ReservationMember]):
            for row in rows.values():
                for belonging in _belongings(row):
                    self._claims.setdefault(belonging.subject, set()).add(belonging.claim)

    def search(self, text: str, limit: int) -> list[Found]:
        """The best matches for *text*."""
        found = self._participants.search(text, limit) + self._others.search(text, limit)
        return sorted(found, key=lambda match: (match.score, key(match.name), match.id))[:limit]

    def subject(self, id: Id) -> Subject | None:
        """Whoever has that id and can be found."""
        subject = self._state.get(Participant, id) or self._state.get(Group, id)
        if subject is not None:
            return None if subject.deleted else subject
        claim = self._state.get(SlotReservation, id)
        return claim if claim is not None and _entry(claim) is not None else None

    def claims_of(self, id: Id) -> list[SlotReservation]:
        """Every claim of a subject that is there, by id."""
        claims = (self._state.get(SlotReservation, claim) for claim in sorted(self._claims.get(id, ())))
        return [claim for claim in claims if claim is not None and not claim.deleted]

    def changed(self, before: Record | None, after: Record | None) -> None:
        """A row became another, came (*before* is None), or went (*after* is None)."""
        if self._quiet:
            return
        old, new = _entry(before), _entry(after)
        index = self._participants if isinstance(after or before, Participant) else self._others
        if new is not None:
            index.put(new)
        elif old is not None:
            index.remove(old.id)
        gone, come = set(_belongings(before)), set(_belongings(after))
        for belonging in gone - come:
            self._claims.get(belonging.subject, set()).discard(belonging.claim)
        for belonging in come - gone:
            self._claims.setdefault(belonging.subject, set()).add(belonging.claim)


def _entries(state: State, record: type[Record]) -> list[Entry]:
    return [entry for row in state.rows[record].values() if (entry := _entry(row)) is not None]


def _entry(row: Record | None) -> Entry | None:
    """What *row* is found by, if it is somebody."""
    if row is None or row.deleted:
        return None
    if isinstance(row, Participant) and row.merged_into is None and not row.erased:
        return Entry(row.id, row.display_name, row.school, row.external_id, row.ref)
    if isinstance(row, Group):
        return Entry(row.id, row.name, row.school, row.external_id, row.ref)
    if isinstance(row, SlotReservation) and row.reserved_name and row.participant_id is None and row.group_id is None:
        return Entry(row.id, row.reserved_name, ref=row.ref)
    return None


def _belongings(row: Record | None) -> list[_Belonging]:
    if row is None or row.deleted:
        return []
    if isinstance(row, ReservationMember):
        return [_Belonging(row.participant_id, row.reservation_id)]
    if isinstance(row, SlotReservation):
        owners = [row.group_id] if row.participant_id is None else [row.group_id, row.participant_id]
        if row.reserved_name and row.participant_id is None and row.group_id is None:
            owners.append(row.id)
        return [_Belonging(owner, row.id) for owner in owners if owner is not None]
    return []
