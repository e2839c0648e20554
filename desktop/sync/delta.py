"""Reading a pull or a bootstrap page: whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from desktop.store.cache import Delta
from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.commands import End, Line


def read_delta(lines: Sequence[Line]) -> tuple[Delta, int | None, End] | Failure:
    """The delta, how many rows there are in all (a bootstrap says), and its end; ``CUT`` where something is missing."""
    if not lines or lines[0].begin is None or lines[-1].end is None:
        return Failure(FailureKind.CUT, "The server's answer was cut short.")
    begin, end = lines[0].begin, lines[-1].end
    body = lines[1:-1]
    puts = [line.put for line in body if line.put is not None]
    dels = [line.del_ for line in body if line.del_ is not None]
    results = [line.result for line in body if line.result is not None]
    if len(body) != end.rows or len(puts) + len(dels) + len(results) != end.rows:
        return Failure(FailureKind.CUT, "The server's answer is not complete.")
    delta = Delta(cursor=end.cursor or "", from_cursor=begin.from_cursor, puts=puts, dels=dels, results=results)
    return delta, begin.total, end
