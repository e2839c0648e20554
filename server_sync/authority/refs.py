"""Numbers for refs, fetched in lots so that a new row costs no statement."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Final, TypeVar

from msgspec import structs

from server_sync.authority.connection import Connection
from server_sync.authority.tables.ledger import REF_LOT as LOT
from server_sync.protocol.ids import make_ref
from server_sync.protocol.records import TABLES, Record

SEQUENCES: Final = {record.REF: f"ref_{record.TABLE}" for record in TABLES.values() if record.REF is not None}

_NEXT: Final = "SELECT nextval($1::text::regclass) FROM generate_series(1, $2)"

R = TypeVar("R", bound=Record)


class Refs:
    """Gives new rows their refs; one a process."""

    def __init__(self) -> None:
        self._lots: dict[str, deque[range]] = defaultdict(deque)
        self._left: Counter[str] = Counter()

    async def reserve(self, connection: Connection, rows: Iterable[Record]) -> None:
        """See to it that there is a number for each of *rows* that lacks a ref."""
        wanted = Counter(prefix for row in rows if (prefix := type(row).REF) is not None)
        # again after each wait: another lane may have taken what was there
        while missing := {prefix: n for prefix, count in wanted.items() if (n := count - self._left[prefix]) > 0}:
            for prefix, count in missing.items():
                # nextval is outside of transactions: a rollback wastes a number, and never gives it twice
                for (first,) in await connection.fetch(_NEXT, SEQUENCES[prefix], -(-count // LOT)):
                    self._lots[prefix].append(range(first, first + LOT))
                    self._left[prefix] += LOT

    def name(self, row: R) -> R:
        """*row* with a ref, if people read one for its kind and it has none yet; ``reserve`` comes first."""
        prefix = type(row).REF
        if prefix is None or getattr(row, "ref", None) is not None:
            return row
        lots = self._lots[prefix]
        number, rest = lots[0][0], lots[0][1:]
        lots.popleft()
        if rest:
            lots.appendleft(rest)
        self._left[prefix] -= 1
        return structs.replace(row, ref=make_ref(prefix, number))
