"""``outbox.db``: what staff asked for. Sacred: nothing is ever deleted, and what ``append`` returned is on disk.

What has its verdict is rewritten in one case: somebody it tells of was erased (see forgetting.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs
from sqlalchemy import (
    Column,
    Connection,
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
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Role

VERSION: Final = 1
SETTLED: Final = "settled"
"""The resolution of a command that had its verdict when the desk that asked it was left behind."""

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
# Every command of an incarnation was asked by one desk; what another desk left unsent is not this one's to send.
_OWNERS = Table(
    "owners",
    _METADATA,
    Column("incarnation", Integer, primary_key=True),
    Column("device", String, nullable=False),
    Column("programme", String, nullable=False),
    Column("name", String, nullable=False),
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
    stranded: str | None = None
    """The name of the desk that asked it, if that is another than the one that this profile is now."""

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
            self._own_nameless(self.identity)
        return None

    def _own_nameless(self, identity: Identity) -> None:
        """A file from before there were owners: all of it is this desk's."""
        with self._database.transaction() as connection:
            if connection.execute(select(_OWNERS)).first() is None:
                for incarnation in range(1, self.incarnation + 1):
                    _own(connection, incarnation, identity)

    def _marks(self) -> dict[str, int]:
        with self._database.transaction() as connection:
            return {row.name: row.value for row in connection.execute(select(_MARKS))}

    def _mark(self, **marks: int) -> None:
        with self._database.transaction() as connection:
            for name, value in marks.items():
                connection.execute(insert(_MARKS).prefix_with("OR REPLACE"), {"name": name, "value": value})

    def set_identity(self, identity: Identity, results: Mapping[Id, Result]) -> None:
        """Become that desk; its numbers start anew in the next incarnation.

        The same desk of the same programme takes along whatever has none of *results*; what another desk left unsent or
        refused is kept, and shown until somebody resolves it.
        """
        old = self.identity
        same = old is not None and (old.device, old.programme) == (identity.device, identity.programme)
        moved = [queued for queued in self.all() if queued.id not in results] if same else []
        incarnation = self.incarnation + 1 if old is not None else 1
        json = msgspec.json.encode(identity)
        with self._database.transaction() as connection:
            if not same:
                _settle(connection, results)
            values = {"one": 1, "json": json, "incarnation": incarnation, "next_seq": len(moved) + 1}
            connection.execute(insert(_IDENTITY).prefix_with("OR REPLACE"), values)
            _own(connection, incarnation, identity)
            _renumber(connection, moved, incarnation)
        self.identity, self.incarnation, self.next_seq = identity, incarnation, len(moved) + 1

    def settle(self, results: Mapping[Id, Result]) -> None:
        """Note what the centre agreed to, before this desk forgets *results*."""
        with self._database.transaction() as connection:
            _settle(connection, results)

    def append(
        self, envelopes: Sequence[Envelope], queued_at: datetime, resolutions: Mapping[Id, str] | None = None
    ) -> list[Queued]:
        """Give *envelopes* the next sequence numbers and keep them; all of them, with *resolutions*, or nothing."""
        made: list[Queued] = []
        with self._database.transaction() as connection:
            for seq, envelope in enumerate(envelopes, self.next_seq):
                made.append(self._insert(connection, structs.replace(envelope, seq=seq), seq, queued_at))
            connection.execute(update(_IDENTITY).values(next_seq=self.next_seq + len(made)))
            for id, resolution in (resolutions or {}).items():
                _resolve(connection, id, resolution, queued_at)
        self.next_seq += len(made)
        return made

    def _insert(self, connection: Connection, numbered: Envelope, seq: int, queued_at: datetime) -> Queued:
        raw = msgspec.json.encode(numbered)
        values = {
            "id": numbered.id,
            "incarnation": self.incarnation,
            "seq": seq,
            "kind": numbered.kind,
            "envelope": raw,
            "queued_at": queued_at.isoformat(),
        }
        key = connection.execute(insert(_COMMANDS), values).inserted_primary_key
        return Queued(
            position=key[0] if key is not None else 0,
            incarnation=self.incarnation,
            seq=seq,
            raw=raw,
            envelope=numbered,
            queued_at=queued_at,
        )

    def all(self) -> list[Queued]:
        """Every command that this desk ever asked, in order."""
        return [queued for queued in self.everything() if queued.stranded is None]

    def stranded(self) -> list[Queued]:
        """What another desk asked in this profile, and neither the centre nor a person has settled."""
        return [queued for queued in self.everything() if queued.stranded is not None and queued.resolution is None]

    def everything(self) -> list[Queued]:
        """What was ever asked in this profile, by whichever desk."""
        query = select(_COMMANDS, _OWNERS.c.device, _OWNERS.c.programme, _OWNERS.c.name).join(
            _OWNERS, _OWNERS.c.incarnation == _COMMANDS.c.incarnation, isouter=True
        )
        mine = None if self.identity is None else (self.identity.device, self.identity.programme)
        with self._database.transaction() as connection:
            return [
                _queued(row, None if row.device is None or (row.device, row.programme) == mine else row.name)
                for row in connection.execute(query.order_by(_COMMANDS.c.position))
            ]

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
            _resolve(connection, id, resolution, at)

    def redact(self, envelopes: Mapping[Id, Envelope]) -> dict[Id, bytes]:
        """Write settled commands anew, without what told of somebody who was erased; returns them as they are kept."""
        made = {id: msgspec.json.encode(envelope) for id, envelope in envelopes.items()}
        with self._database.transaction() as connection:
            for id, raw in made.items():
                connection.execute(update(_COMMANDS).where(_COMMANDS.c.id == id).values(envelope=raw))
        self._database.fold()
        return made

    def reincarnate(self, keep: Collection[Id]) -> int:
        """Begin a new incarnation whose sequence starts at 1, with every command but *keep* in it, ids unchanged."""
        incarnation = self.incarnation + 1
        moved = [queued for queued in self.all() if queued.id not in keep]
        with self._database.transaction() as connection:
            if self.identity is not None:
                _own(connection, incarnation, self.identity)
            _renumber(connection, moved, incarnation)
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


def _own(connection: Connection, incarnation: int, identity: Identity) -> None:
    values = {
        "incarnation": incarnation,
        "device": identity.device,
        "programme": identity.programme,
        "name": identity.name,
    }
    connection.execute(insert(_OWNERS).prefix_with("OR REPLACE"), values)


def _renumber(connection: Connection, moved: Iterable[Queued], incarnation: int) -> None:
    """Put *moved* into *incarnation*, in their order, from 1 on."""
    for seq, queued in enumerate(moved, 1):
        raw = msgspec.json.encode(structs.replace(queued.envelope, seq=seq))
        connection.execute(
            update(_COMMANDS).where(_COMMANDS.c.id == queued.id).values(incarnation=incarnation, seq=seq, envelope=raw)
        )


def _resolve(connection: Connection, id: Id, resolution: str, at: datetime) -> None:
    connection.execute(
        update(_COMMANDS).where(_COMMANDS.c.id == id).values(resolution=resolution, resolved_at=at.isoformat())
    )


def _settle(connection: Connection, results: Mapping[Id, Result]) -> None:
    for id in (id for id, result in results.items() if result.status == "applied"):
        connection.execute(
            update(_COMMANDS).where(_COMMANDS.c.id == id, _COMMANDS.c.resolution.is_(None)).values(resolution=SETTLED)
        )


def _queued(row: Row[Any], stranded: str | None = None) -> Queued:
    return Queued(
        position=row.position,
        incarnation=row.incarnation,
        seq=row.seq,
        raw=row.envelope,
        envelope=msgspec.json.decode(row.envelope, type=Envelope),
        queued_at=datetime.fromisoformat(row.queued_at),
        resolution=row.resolution,
        resolved_at=None if row.resolved_at is None else datetime.fromisoformat(row.resolved_at),
        stranded=stranded,
    )
