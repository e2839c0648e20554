"""The ground that an import stands on: what is there already, what will be written, and the ids of new rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

import uuid_utils
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import Import
from server_sync.protocol.records import (
    Event,
    EventLocation,
    EventSlot,
    EventTimeBlock,
    Group,
    Location,
    Participant,
    Programme,
    Record,
    ReservationMember,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.command import Command
from server_sync.rules.import_report import Report
from server_sync.rules.redaction import Forgotten
from server_sync.rules.state import (
    BLOCKS,
    CLAIMS,
    EVENTS,
    GROUPS,
    LOCATIONS,
    MEMBERSHIPS,
    PEOPLE,
    SLOTS,
    USES_OF_ROOMS,
    Index,
    IndexKey,
    RowKey,
    State,
    takes_places,
)

WHOLE: Final[tuple[Index, ...]] = (
    EVENTS, LOCATIONS, PEOPLE, GROUPS, BLOCKS, SLOTS, CLAIMS, MEMBERSHIPS, USES_OF_ROOMS,
)  # fmt: skip
"""An import looks at the whole programme."""

ORDER: Final[tuple[type[Record], ...]] = (
    Programme, Location, Event, EventLocation, Group, Participant, EventTimeBlock, EventSlot, SlotReservation,
    ReservationMember, SlotSeat,
)  # fmt: skip
"""Parents before children, and slots before the claims that they count."""

R = TypeVar("R", bound=Record)


class Plan:
    """What one import would do to one programme: rows by table and id, laid over those that are there.

    ``locked`` are rows that it makes scarcer without changing them; ``read`` are ids that it would give to new rows;
    ``finds`` are what it looks at beside the whole programme. ``promotions`` follow upon all that is put. Of whoever
    was ``forgotten`` here its events, blocks and rooms say nothing, whatever the file does.
    """

    def __init__(
        self, state: State, command: Command[Any], document: Import, programme: Programme, now: datetime
    ) -> None:
        self.state = state
        self.command = command
        self.document = document
        self.programme = programme
        self.now = now
        self.report = Report()
        self.locked: set[RowKey] = set()
        self.read: set[RowKey] = set()
        self.finds: set[IndexKey] = set()
        self.promoted: list[Id] = []
        self.promotions: list[Record] = []
        self.forgotten = Forgotten(frozenset())
        self._rows: dict[type[Record], dict[Id, Any]] = {record: {} for record in ORDER}
        self._holding: dict[Id, list[SlotReservation]] | None = None
        self._namespace = uuid_utils.UUID(programme.id)

    def there(self, index: Index) -> list[Any]:
        """The programme's rows of an index over programmes, as they are before the import."""
        return self.state.find(index, self.programme.id)

    def holding(self, block_id: Id) -> list[SlotReservation]:
        """The claims that take places in a block."""
        if self._holding is None:
            self._holding = defaultdict(list)
            for claim in self.there(CLAIMS):
                if takes_places(claim):
                    self._holding[claim.time_block_id].append(claim)
        return self._holding.get(block_id, [])

    def derived(self, record: type[Record], name: str, parent: Id | None = None) -> Id:
        """The id of the row called *name* within the programme (or within *parent*): the same for every import."""
        namespace = self._namespace if parent is None else uuid_utils.UUID(parent)
        return str(uuid_utils.uuid5(namespace, f"{record.TABLE} {name}"))

    def look(self, record: type[R], id: Id) -> R | None:
        """The row with that id, deleted ones too, which the command then asks for."""
        self.read.add((record, id))
        return self.state.get(record, id)

    def new_id(self, record: type[Record], name: str, parent: Id | None = None) -> Id:
        """An id for a new row: the derived one, unless a row that was removed or renamed since has it."""
        id = self.derived(record, name, parent)
        if self.look(record, id) is None and id not in self._rows[record]:
            return id
        return self.command.derive(f"{record.TABLE} {parent or ''} {name}")

    def put(self, before: R | None, after: R, counted: bool = True) -> R:
        """Write *after* if it is new or differs; *counted* where the file itself speaks of the row."""
        if self.forgotten.texts and isinstance(after, Event | EventTimeBlock | Location):
            after = self.forgotten.row(after)
        if counted:
            self.report.wrote(before, after)
        if before is None or before != after:
            self._rows[type(after)][after.id] = after
        else:  # what an earlier row of the file changed, this one may have changed back
            self._rows[type(after)].pop(after.id, None)
        return after

    def remove(self, row: Record) -> None:
        """Have a row leave of which the file does not speak."""
        self._rows[type(row)][row.id] = structs.replace(row, deleted=True)

    def removes(self, row: Record) -> bool:
        """Whether *row* leaves."""
        now = self._rows[type(row)].get(row.id)
        return now is not None and bool(now.deleted)

    def latest(self, row: R) -> R:
        """*row* as it is put, if it is."""
        now: R | None = self._rows[type(row)].get(row.id)
        return row if now is None else now

    def find(self, index: Index, key: str) -> list[Any]:
        """Rows beside the programme's own, for which the command then asks."""
        self.finds.add((index, key))
        return self.state.find(index, key)

    def lock(self, record: type[Record], id: Id) -> None:
        """Have a row locked that is made scarcer."""
        self.locked.add((record, id))

    def puts(self) -> list[Record]:
        """Everything to write, parents first, and whoever is promoted then."""
        return [*(row for record in ORDER for row in self._rows[record].values()), *self.promotions]

    def written_rows(self, record: type[R]) -> Iterable[R]:
        """The rows of one table that are put."""
        return self._rows[record].values()

    def written(self) -> Iterable[RowKey]:
        """The keys of what is written."""
        return ((record, id) for record in ORDER for id in self._rows[record])


def spoken(**facts: Any) -> dict[str, Any]:
    """Those *facts* that say something: a file's blank leaves what is there."""
    return {name: fact for name, fact in facts.items() if fact or fact == 0}  # an age of 0 is one


def filled(row: R, facts: dict[str, Any]) -> R:
    """*row* with *facts*; metadata is merged."""
    if "metadata" in facts:
        facts = facts | {"metadata": {**(getattr(row, "metadata", None) or {}), **facts["metadata"]}}
    return structs.replace(row, **facts) if any(getattr(row, name) != fact for name, fact in facts.items()) else row


def at_least(wanted: int, now: int | None, reserved: int) -> int:
    """The capacity that the file *wanted*, never below what is reserved within the present one (None: no limit)."""
    return max(wanted, reserved if now is None else min(now, reserved))


def folded(name: str) -> str:
    """How names are compared: case and blanks aside."""
    return " ".join(name.casefold().split())
