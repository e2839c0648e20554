"""Compares what people did with what is stored, by plain SQL and sqlite3 and none of Callboard's code.

``python -I reader.py EXPECTED.json`` where the file says: ``psql`` (a command line that takes a query), ``caches``
(desk name to cache.db), ``actions`` (id, kind, desk, status, code, members), and ``arrivals`` (reservation to the
command whose arrival must stand, or null). Prints each finding; exit code 0 only if nothing is lost, doubled or
different.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

SHARED = (
    "programmes", "locations", "events", "event_locations", "groups", "participants", "event_time_blocks",
    "event_slots", "slot_reservations", "reservation_members", "attendance", "room_days",
)  # fmt: skip

CACHED = (
    "SELECT r.json FROM rows r JOIN generations g ON g.id = r.generation"
    ' WHERE g.live = 1 AND g.whole = 1 AND r."table" = ?'
)


class Reader:
    """Asks the database and the caches, and counts what is wrong."""

    def __init__(self, expected: dict[str, Any]) -> None:
        self.expected = expected
        self.wrong = 0

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows of *query*, through psql."""
        wrapped = f"SELECT coalesce(json_agg(x), '[]') FROM ({query}) x"
        done = subprocess.run(
            [*self.expected["psql"], "-qAtc", "SET TIME ZONE 'UTC'", "-c", wrapped],
            capture_output=True, text=True, check=True, env=self.expected["psql_environment"],
        )  # fmt: skip
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def say(self, good: bool, words: str) -> None:
        """One finding."""
        self.wrong += not good
        print(f"  {'ok   ' if good else 'WRONG'}  {words}", flush=True)

    def ledger(self) -> None:
        """Every action once, with the verdict that it should have."""
        rows = self.sql("SELECT id, kind, status, code FROM commands WHERE device_id IS NOT NULL")
        stored = {row["id"]: row for row in rows}
        actions = self.expected["actions"]
        missing = [action for action in actions if action["id"] not in stored]
        self.say(not missing, f"{len(actions)} actions were confirmed on a screen, {len(missing)} of them are missing")
        extra = set(stored) - {action["id"] for action in actions}
        self.say(not extra, f"{len(extra)} commands of desks that no screen confirmed")
        for action in actions:
            row = stored.get(action["id"], {})
            if row.get("status") != action["status"] or row.get("code") != action.get("code"):
                self.say(False, f"{action['kind']} {action['id']} is {row.get('status')} {row.get('code')}")

    def facts(self) -> None:
        """Each fact has exactly one row, and the earliest arrival that nobody undid is the one that should stand."""
        rows = self.sql("SELECT id, reservation_id, kind, command_id, undoes, occurred_at FROM attendance")
        by_command: dict[str, int] = {}
        for row in rows:
            if row["kind"] == "arrived":
                by_command[row["command_id"]] = by_command.get(row["command_id"], 0) + 1
        arrivals = [action for action in self.expected["actions"] if action["kind"] == "attendance.arrive"]
        doubled = [action["id"] for action in arrivals if by_command.get(action["id"], 0) != action["members"]]
        self.say(not doubled, f"{len(arrivals)} check-ins have one fact a person, {len(doubled)} have not")
        undone = {row["undoes"] for row in rows if row["kind"] == "undone"}
        wrong = []
        for reservation, command in self.expected["arrivals"].items():
            standing = [
                row for row in rows
                if row["reservation_id"] == reservation and row["kind"] == "arrived" and row["command_id"] not in undone
            ]  # fmt: skip
            first = min(standing, key=lambda row: row["occurred_at"], default=None)
            if (first or {}).get("command_id") != command:
                wrong.append(reservation)
        kept = len(self.expected["arrivals"])
        self.say(
            not wrong, f"of {kept} people the earliest arrival that was not undone stands, {len(wrong)} not: {wrong}"
        )

    def capacity(self) -> None:
        """No slot holds more than it may, and every count is what its claims add up to."""
        wrong = self.sql(
            "SELECT s.id FROM event_slots s LEFT JOIN (SELECT slot_id, sum(spots) AS spots FROM slot_reservations"
            " WHERE claim IN ('held', 'reserved') GROUP BY 1) r ON r.slot_id = s.id"
            " WHERE s.reserved_count <> coalesce(r.spots, 0) OR s.reserved_count > s.capacity + s.overbooked_count"
        )
        self.say(not wrong, f"{len(wrong)} slots are overbooked or miscounted")

    def caches(self) -> None:
        """Every desk holds exactly the rows that the database holds."""
        for table in SHARED:
            truth = {row["id"]: row for row in self.sql(f"SELECT * FROM {table} WHERE deleted IS NOT TRUE")}
            for desk, path in self.expected["caches"].items():
                mine = self._cached(path, table)
                different = [id for id in truth.keys() | mine.keys() if not _same(truth.get(id), mine.get(id))]
                if different or table == "slot_reservations":
                    self.say(not different, f"{desk}: {len(mine)} {table}, {len(different)} differ from the database")

    def _cached(self, path: str, table: str) -> dict[str, dict[str, Any]]:
        with sqlite3.connect(f"file:{Path(path).as_posix()}?mode=ro", uri=True) as cache:
            rows = cache.execute(CACHED, (table,)).fetchall()
        return {row["id"]: row for (body,) in rows if not (row := json.loads(body)).get("deleted")}


def _same(truth: dict[str, Any] | None, mine: dict[str, Any] | None) -> bool:
    """Whether each field that the desk holds says what the database says; the desk leaves out what is null."""
    if truth is None or mine is None:
        return False
    return all(_plain(mine.get(name)) == _plain(value) for name, value in truth.items() if name not in _OWN)


_OWN = {"created_at", "updated_at", "last_xid", "deleted", "contact", "reserved_contact"}


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and "T" in value:
        return value.replace("Z", "+00:00")
    return value


def main() -> int:
    """Read what is expected, compare, say what was found."""
    reader = Reader(json.loads(Path(sys.argv[1]).read_text()))
    reader.ledger()
    reader.facts()
    reader.capacity()
    reader.caches()
    print(f"  {'all of it holds' if not reader.wrong else f'{reader.wrong} findings'}", flush=True)
    return 0 if not reader.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
