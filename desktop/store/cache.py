"""``cache.db``: the rows and results that the centre sent, and their cursor. It may be thrown away at any time.

What is fetched anew lies beside what is shown, as another *generation*, until it is whole; then it takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, String, Table, delete, insert, select, update

from desktop.store.refusals import StoreCode, StoreRefusal, refusal_of
from desktop.store.sqlite import CheckFailed, Database, remove
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SYNCED, TABLES, Record

_METADATA = MetaData()
_META = Table("meta", _METADATA, Column("name", String, primary_key=True), Column("value", String, nullable=False))
_GENERATIONS = Table(
    "generations",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("cursor", String),
    Column("page", String),  # where the next page begins, while it is being filled
    Column("whole", Integer, nullable=False),  # 1: every page is in
    Column("live", Integer, nullable=False),  # 1: this is what is shown
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
)
_ROWS = Table(
    "rows",
    _METADATA,
    Column("generation", Integer, primary_key=True),
    Column("table", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("json", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
_RESULTS = Table(
    "results",
    _METADATA,
    Column("generation", Integer, primary_key=True),
    Column("id", String, primary_key=True),
    Column("json", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


def _shape() -> str:
    """What the tables of this version look like; a cache of any other shape is fetched anew."""
    said = [[record.TABLE, *record.__struct_fields__] for record in SYNCED]
    return "1-" + blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()


SHAPE: Final = _shape()


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull or page brought, whole. ``puts`` are (table, row as JSON), ``dels`` (table, id)."""

    cursor: str
    from_cursor: str | None = None
    puts: list[tuple[str, msgspec.Raw]] = []
    dels: list[tuple[str, Id]] = []
    results: list[Result] = []


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """How far a bootstrap is: rows ``done`` of ``total`` (0: not known), the next page, and if all are in."""

    page: str | None = None
    cursor: str | None = None
    done: int = 0
    total: int = 0
    whole: bool = False


class Cache:
    """The open file. Every method is one transaction; SQLite's errors pass through."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path

    @classmethod
    def open(cls, path: Path, owner: str) -> tuple[Cache, StoreRefusal | None] | StoreRefusal:
        """Open the cache of *owner* (device and programme), or a fresh one where it is damaged, foreign or outdated.

        The second value says, if so, that it was damaged. A refusal means that not even a fresh one can be made.
        """
        try:
            cache = cls(Database(path, "NORMAL"))
            try:
                if cache._usable(owner):
                    return cache, None
                damaged = None
            except Exception as error:
                damaged = refusal_of(error, path)
                if damaged is None or damaged.code is not StoreCode.CORRUPT:
                    cache._database.close()
                    raise
            cache._database.close()
        except Exception as error:
            refusal = refusal_of(error, path)
            if refusal is None:
                raise
            if refusal.code is not StoreCode.CORRUPT:
                return refusal
            damaged = refusal
        return cls.fresh(path, owner, damaged)

    @classmethod
    def fresh(
        cls, path: Path, owner: str, damaged: StoreRefusal | None = None
    ) -> tuple[Cache, StoreRefusal | None] | StoreRefusal:
        """Throw away what is there and begin empty."""
        try:
            remove(path)
            cache = cls(Database(path, "NORMAL"))
            cache._database.create(_METADATA)
            with cache._database.transaction() as connection:
                _note(connection, shape=SHAPE, owner=owner, open="1")
                connection.execute(insert(_GENERATIONS), _empty(1, live=1))
        except Exception as error:
            refusal = refusal_of(error, path)
            if refusal is None:
                raise
            return refusal
        return cache, damaged

    def _usable(self, owner: str) -> bool:
        self._database.create(_METADATA)
        notes = self.notes()
        if notes.get("open") == "1" and not self._database.sound():
            raise CheckFailed(self.path)
        if notes.get("shape") != SHAPE or notes.get("owner") != owner:
            return False
        with self._database.transaction() as connection:
            _note(connection, open="1")
        return True

    def notes(self) -> dict[str, str]:
        """What was noted by name."""
        with self._database.transaction() as connection:
            return {row.name: row.value for row in connection.execute(select(_META))}

    def note(self, **values: str) -> None:
        """Keep small values by name."""
        with self._database.transaction() as connection:
            _note(connection, **values)

    def cursor(self) -> str | None:
        """Where what is shown stands; None before the first bootstrap."""
        with self._database.transaction() as connection:
            found = connection.execute(select(_GENERATIONS.c.cursor).where(_GENERATIONS.c.live == 1))
            cursor: str | None = found.scalar()
            return cursor

    def load(self) -> tuple[list[Record], dict[Id, Result]]:
        """Every row and result that is shown."""
        with self._database.transaction() as connection:
            live = _live(connection)
            query = select(_ROWS.c.table, _ROWS.c.json).where(_ROWS.c.generation == live)
            rows = [row for table, json in connection.execute(query) if (row := read_row(table, json)) is not None]
            found = connection.execute(select(_RESULTS.c.json).where(_RESULTS.c.generation == live))
            results = [msgspec.json.decode(json, type=Result) for (json,) in found]
        return rows, {result.id: result for result in results}

    def apply(self, delta: Delta) -> bool:
        """Take *delta* if it follows what is shown; whether it does."""
        with self._database.transaction() as connection:
            row = connection.execute(select(_GENERATIONS).where(_GENERATIONS.c.live == 1)).one()
            if row.cursor is None or row.cursor != delta.from_cursor:
                return False
            _write(connection, row.id, delta)
            connection.execute(update(_GENERATIONS).where(_GENERATIONS.c.id == row.id).values(cursor=delta.cursor))
        return True

    def filling(self) -> Filling | None:
        """How far a bootstrap that was begun is; None if none was."""
        with self._database.transaction() as connection:
            row = connection.execute(select(_GENERATIONS).where(_GENERATIONS.c.live == 0)).first()
        if row is None:
            return None
        return Filling(page=row.page, cursor=row.cursor, done=row.done, total=row.total, whole=bool(row.whole))

    def begin_filling(self) -> None:
        """Begin a bootstrap from its first page, forgetting one that was begun before."""
        with self._database.transaction() as connection:
            live = _live(connection)
            _forget(connection, _generations(connection) - {live})
            connection.execute(insert(_GENERATIONS), _empty(live + 1, live=0))

    def fill(self, page: Delta, next_page: str | None, total: int | None) -> Filling:
        """Keep one page (or, once all are in, the catch-up delta). The first page's cursor is the one that counts."""
        with self._database.transaction() as connection:
            row = connection.execute(select(_GENERATIONS).where(_GENERATIONS.c.live == 0)).one()
            _write(connection, row.id, page)
            first = row.cursor is None or bool(row.whole)
            state = Filling(
                page=next_page,
                cursor=page.cursor if first else row.cursor,
                done=row.done + len(page.puts) + len(page.results),
                total=total or row.total,
                whole=next_page is None,
            )
            values = {name: getattr(state, name) for name in ("page", "cursor", "done", "total")}
            connection.execute(
                update(_GENERATIONS).where(_GENERATIONS.c.id == row.id).values(whole=int(state.whole), **values)
            )
        return state

    def filled_results(self) -> set[Id]:
        """The commands whose results are among what was filled."""
        with self._database.transaction() as connection:
            filled = select(_GENERATIONS.c.id).where(_GENERATIONS.c.live == 0)
            return set(connection.execute(select(_RESULTS.c.id).where(_RESULTS.c.generation.in_(filled))).scalars())

    def reveal(self) -> None:
        """Show what was filled, and forget what was shown before, and why it was fetched."""
        with self._database.transaction() as connection:
            _note(connection, anew="0")
            _forget(connection, {_live(connection)})
            connection.execute(update(_GENERATIONS).values(live=1))

    def close(self) -> None:
        """Note that the exit was clean, and close. Where that can't be noted, the next start checks the file."""
        try:
            self.note(open="0")
        except Exception as error:
            if refusal_of(error, self.path) is None:
                raise
        finally:
            self._database.close()

    def fold(self) -> None:
        """Leave nothing of what was overwritten in the file or its log."""
        self._database.fold()

    def abandon(self) -> None:
        """Close a file that is to be thrown away."""
        self._database.close()


def read_row(table: str, json: bytes | msgspec.Raw) -> Record | None:
    """The row in *json*; None for a table that this version does not know."""
    record = TABLES.get(table)
    return None if record is None else msgspec.json.decode(json, type=record)


def _empty(id: int, live: int) -> dict[str, int]:
    return {"id": id, "live": live, "whole": 0, "done": 0, "total": 0}


def _note(connection: Connection, **values: str) -> None:
    for name, value in values.items():
        connection.execute(insert(_META).prefix_with("OR REPLACE"), {"name": name, "value": value})


def _live(connection: Connection) -> int:
    return int(connection.execute(select(_GENERATIONS.c.id).where(_GENERATIONS.c.live == 1)).scalar_one())


def _generations(connection: Connection) -> set[int]:
    return set(connection.execute(select(_GENERATIONS.c.id)).scalars())


def _forget(connection: Connection, generations: Iterable[int]) -> None:
    for generation in generations:
        for table in (_ROWS, _RESULTS):
            connection.execute(delete(table).where(table.c.generation == generation))
        connection.execute(delete(_GENERATIONS).where(_GENERATIONS.c.id == generation))


class _Named(msgspec.Struct):
    id: Id


_ID_OF: Final = msgspec.json.Decoder(_Named)


def _write(connection: Connection, generation: int, delta: Delta) -> None:
    rows: list[dict[str, Any]] = [
        {"generation": generation, "table": table, "id": _ID_OF.decode(json).id, "json": bytes(json)}
        for table, json in delta.puts
    ]
    if rows:
        connection.execute(insert(_ROWS).prefix_with("OR REPLACE"), rows)
    for table, id in delta.dels:
        connection.execute(
            delete(_ROWS).where(_ROWS.c.generation == generation, _ROWS.c.table == table, _ROWS.c.id == id)
        )
    results = [
        {"generation": generation, "id": result.id, "json": msgspec.json.encode(result)} for result in delta.results
    ]
    if results:
        connection.execute(insert(_RESULTS).prefix_with("OR REPLACE"), results)
