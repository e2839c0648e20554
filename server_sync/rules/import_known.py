"""Which claim of an earlier import each claim of a file is: known by its block and by who is in it.

So it may change its slot or its time. A person is known by the row that bore their key before any merge, or by another
one that was merged into who they are now: the names of the claims that an import made go by those.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice, product
from typing import Final

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportClaim
from server_sync.protocol.records import SlotReservation
from server_sync.rules.import_plan import Plan, folded
from server_sync.rules.import_rows import Found
from server_sync.rules.state import PEOPLE

MOST_NAMES: Final = 32
"""By how many combinations of rows that were merged a party is looked for."""


class Known:
    """Names claims; of several alike in one block, one after another."""

    def __init__(self, plan: Plan, found: Found) -> None:
        self._plan = plan
        self._found = found
        self._seen: Counter[tuple[Id, str]] = Counter()
        self._merged: dict[Id, list[Id]] = defaultdict(list)
        for row in plan.there(PEOPLE):
            if row.merged_into is not None:
                self._merged[row.merged_into].append(row.id)

    def find(self, said: ImportClaim, block_id: Id) -> tuple[Id, SlotReservation | None]:
        """The claim that *said* was, ended ones too, or the id of a new one."""
        first = None
        for who in self._names(said):
            name = f"{who} #{self._seen[block_id, who] + 1}"
            id = self._plan.derived(SlotReservation, name, parent=block_id)
            old = self._plan.look(SlotReservation, id)
            if old is not None:
                self._seen[block_id, who] += 1
                return id, old
            first = first or (who, id)
        assert first is not None
        self._seen[block_id, first[0]] += 1
        return first[1], None

    def _names(self, said: ImportClaim) -> Iterator[str]:
        """Who is in the claim, by every row that they ever were; first as the file itself would have it."""
        if said.group is not None:
            yield f"group {self._found.groups[said.group].id}"
        elif said.people:
            rows = [self._rows(key) for key in said.people]
            for some in islice(product(*rows), MOST_NAMES):
                yield " ".join(sorted(set(some)))
        else:
            yield f"entry {folded(said.name)}"

    def _rows(self, key: str) -> list[Id]:
        """The rows of one person."""
        now = self._found.people[key].id
        return list(dict.fromkeys([self._found.bore[key], now, *sorted(self._merged[now])]))
