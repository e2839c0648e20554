"""``outbox.db``: what staff asked for. Sacred: nothing is ever deleted, and what ``append`` returned is on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from desktop.store.refusals import StoreCode, StoreRefusal, refusal_of
from desktop.store.sqlite import Database
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Role

VERSION: Final = 1

_METADATA = MetaData()
_IDENTITY = Table(
    "identity",
    _METADATA,
    Column("one", Integer, primary_key=True),
    Column("json", LargeBinary, nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("next_seq", Integer, nullable=False),
)
_COMMANDS = Table(
    "commands",
    _METADATA,
    Column("position", Integer, primary_key=True),  # the order in which they were asked, over all incarnations
    Column("id", String, nullable=False, unique=True),
    Column("incarnation", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("envelope", LargeBinary, nullable=False),  # byte for byte what is sent
    Column("queued_at", String, nullable=False),
    Column("resolution", String),
    Column("resolved_at", String),
    UniqueConstraint("incarnation", "seq"),
)
_MARKS = Table("marks", _METADATA, Column("name", String, primary_key=True), Column("value", Integer, nullable=False))


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which desk this is, of which programme, at which server. Its token is kept elsewhere."""

    device: Id
    name: str
    ceiling: Role
    programme: Id
    programme_name: str
    practice: bool
    server: str


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A command in the outbox. ``position`` orders it among all that this desk ever asked."""

    position: int
    incarnation: int
    seq: int
    raw: bytes
    envelope: Envelope
    queued_at: datetime
    resolution: str | None = None
    resolved_at: datetime | None = None

    @property
    def id(self) -> Id:
        """The command's id."""
        return self.envelope.id


class Outbox:
    """The open file. Every method is one transaction, durable when it returns; SQLite's errors pass through."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path
        self.identity: Identity | None = None
        self.incarnation = 1
        self.next_seq = 1

    @classmethod
    def open(cls, path: Path) -> Outbox | StoreRefusal:
        """Open or make the file. After an unclean exit it is checked; a damaged one is refused and left as it is."""
        database = Database(path, "FULL")
        outbox = cls(database)
        try:
            refusal = outbox._begin()
        except Exception as error:
            database.close()
            known = refusal_of(error, path)
            if known is None:
                raise
            return StoreRefusal(StoreCode.OUTBOX_DAMAGED, path) if known.code is StoreCode.CORRUPT else known
        if refusal is not None:
            database.close()
            return refusal
        return outbox

    def _begin(self) -> StoreRefusal | None:
        self._database.create(_METADATA)
        marks = self._marks()
        if marks.get("version", VERSION) > VERSION:
            return StoreRefusal(StoreCode.NEWER, self.path)
        if marks.get("open") and not self._database.sound():
            return StoreRefusal(StoreCode.OUTBOX_DAMAGED, self.path)
        self._mark(version=VERSION, open=1)
        with self._database.transaction() as connection:
            row = connection.execute(select(_IDENTITY)).first()
        if row is not None:
            self.identity = msgspec.json.decode(row.json, type=Identity)
            self.incarnation, self.next_seq = row.incarnation, row.next_seq
        return None

    def _marks(self) -> dict[str, int]:
        with self._database.transaction() as connection:
            return {row.name: row.value for row in connection.execute(select(_MARKS))}

    def _mark(self, **marks: int) -> None:
        with self._database.transaction() as connection:
            for name, value in marks.items():
                connection.execute(insert(_MARKS).prefix_with("OR REPLACE"), {"name": name, "value": value})

    def set_identity(self, identity: Identity) -> None:
        """Become that desk. A desk that was another before starts its numbers anew in the next incarnation."""
        known = self.identity is not None
        incarnation = self.incarnation + 1 if known else 1
        values = {"one": 1, "json": msgspec.json.encode(identity), "incarnation": incarnation, "next_seq": 1}
        with self._database.transaction() as connection:
            connection.execute(insert(_IDENTITY).prefix_with("OR REPLACE"), values)
        self.identity, self.incarnation, self.next_seq = identity, incarnation, 1

    def append(self, envelope: Envelope, queued_at: datetime) -> Queued:
        """Give *envelope* the next sequence number and keep it. On disk when this returns."""
        numbered = structs.replace(envelope, seq=self.next_seq)
        raw = msgspec.json.encode(numbered)
        values = {
            "id": numbered.id,
            "incarnation": self.incarnation,
            "seq": self.next_seq,
            "kind": numbered.kind,
            "envelope": raw,
            "queued_at": queued_at.isoformat(),
        }
        with self._database.transaction() as connection:
            result = connection.execute(insert(_COMMANDS), values)
            connection.execute(update(_IDENTITY).values(next_seq=self.next_seq + 1))
            position = result.inserted_primary_key
        self.next_seq += 1
        return Queued(
            position=position[0] if position is not None else 0,
            incarnation=self.incarnation,
            seq=self.next_seq - 1,
            raw=raw,
            envelope=numbered,
            queued_at=queued_at,
        )

    def all(self) -> list[Queued]:
        """Every command that this desk ever asked, in order."""
        with self._database.transaction() as connection:
            return [_queued(row) for row in connection.execute(select(_COMMANDS).order_by(_COMMANDS.c.position))]

    def run(self, from_seq: int, most: int, most_bytes: int) -> list[Queued]:
        """The next commands of this incarnation from *from_seq* on: at most that many and (after the first) bytes."""
        query = (
            select(_COMMANDS)
            .where(_COMMANDS.c.incarnation == self.incarnation, _COMMANDS.c.seq >= from_seq)
            .order_by(_COMMANDS.c.seq)
            .limit(most)
        )
        run: list[Queued] = []
        size = 0
        with self._database.transaction() as connection:
            for row in connection.execute(query):
                size += len(row.envelope) + 1
                if run and size > most_bytes:
                    break
                run.append(_queued(row))
        return run

    def resolve(self, id: Id, resolution: str, at: datetime) -> None:
        """Note what a person did about a refused command."""
        with self._database.transaction() as connection:
            connection.execute(
                update(_COMMANDS)
                .where(_COMMANDS.c.id == id)
                .values(resolution=resolution, resolved_at=at.isoformat())
            )

    def reincarnate(self, keep: Collection[Id]) -> int:
        """Begin a new incarnation whose sequence starts at 1, with every command but *keep* in it, ids unchanged."""
        incarnation = self.incarnation + 1
        moved = [queued for queued in self.all() if queued.id not in keep]
        with self._database.transaction() as connection:
            for seq, queued in enumerate(moved, 1):
                raw = msgspec.json.encode(structs.replace(queued.envelope, seq=seq))
                connection.execute(
                    update(_COMMANDS)
                    .where(_COMMANDS.c.id == queued.id)
                    .values(incarnation=incarnation, seq=seq, envelope=raw)
                )
            connection.execute(update(_IDENTITY).values(incarnation=incarnation, next_seq=len(moved) + 1))
        self.incarnation, self.next_seq = incarnation, len(moved) + 1
        return len(moved)

    def close(self) -> None:
        """Note that the exit was clean, and close. Where that can't be noted, the next start checks the file."""
        try:
            self._mark(open=0)
        except Exception as error:
            if refusal_of(error, self.path) is None:
                raise
        finally:
            self._database.close()


def _queued(row: Row[Any]) -> Queued:
    return Queued(
        position=row.position,
        incarnation=row.incarnation,
        seq=row.seq,
        raw=row.envelope,
        envelope=msgspec.json.decode(row.envelope, type=Envelope),
        queued_at=datetime.fromisoformat(row.queued_at),
        resolution=row.resolution,
        resolved_at=None if row.resolved_at is None else datetime.fromisoformat(row.resolved_at),
    )


def unsettled(queue: Iterable[Queued], results: Collection[Id]) -> list[Queued]:
    """The commands of *queue* that have no result yet."""
    return [queued for queued in queue if queued.id not in results]
