"""Every change ever asked for, how far each desk's queue came, and what the server knows about itself."""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from server_sync.authority.tables.base import check, metadata, moment, one_of, reference, stamps
from server_sync.protocol.records import TABLES as RECORDS

commands = Table(
    "commands",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("programme_id", Uuid),  # no foreign key: what was asked for may name a programme that never was
    Column("principal", Text, nullable=False),
    Column("actor", Text, nullable=False),
    reference("device_id", "devices", optional=True),
    Column("incarnation", Integer),
    Column("seq", BigInteger),
    Column("kind", Text, nullable=False),
    Column("v", Integer, nullable=False),
    Column("args", JSON, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    *one_of("status", Literal["applied", "rejected", "failed"]),
    Column("code", Text),
    Column("details", JSON),
    Column("effects", JSON),
    Column("touched", ARRAY(Uuid)),
    moment("occurred_at", optional=True),
    *stamps(created="received_at"),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    check("hash_length", "length(hash) = 16"),
    check("refused_with_a_code", "status <> 'rejected' OR code IS NOT NULL"),
    check("place_in_a_queue", "seq IS NULL OR (device_id IS NOT NULL AND incarnation >= 1 AND seq >= 1)"),
)
"""One table is the store for idempotency, the audit trail and a desk's receipts.

``touched`` lists the rows that a command wrote and those that they are about, so that the history of any row is one
lookup. ``number`` grows in the order in which commands were decided about any one row: who writes it holds its lock.
"""

Index(
    "uq_commands_device_id_incarnation_seq",
    commands.c.device_id,
    commands.c.incarnation,
    commands.c.seq,
    unique=True,
    postgresql_where=text("seq IS NOT NULL"),
)
Index("ix_commands_device_id_last_xid", commands.c.device_id, commands.c.last_xid,
      postgresql_where=text("seq IS NOT NULL"))  # fmt: skip
Index("ix_commands_touched", commands.c.touched, postgresql_using="gin")
Index("ix_commands_programme_id_number", commands.c.programme_id, commands.c.number)
Index("ix_commands_unlinked", commands.c.programme_id,
      postgresql_where=text("status = 'rejected' OR kind = 'import.apply'"))  # fmt: skip
Index("ix_commands_received_at", commands.c.received_at, postgresql_using="brin")  # they lie as they came

device_cursors = Table(
    "device_cursors",
    metadata,
    Column("device_id", Uuid, ForeignKey("devices.id"), primary_key=True),
    Column("incarnation", Integer, nullable=False, server_default=text("1")),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("last_seen", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("waiting", Integer),
    check("incarnation_positive", "incarnation >= 1"),
    check("last_seq_not_negative", "last_seq >= 0"),
)
"""Not stamped: a desk's presence rides beside the feed, or every pull would make another one."""

server_settings = Table(
    "server_settings",
    metadata,
    Column("id", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("restore_counter", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    check("one_row", "id"),
    check("secret_long_enough", "length(secret) >= 32"),
)

REF_LOT: Final = 1000
"""A process takes this many numbers for refs at once."""

ref_sequences: Final = [
    Sequence(f"ref_{record.TABLE}", start=0, minvalue=0, increment=REF_LOT, metadata=metadata)
    for record in RECORDS.values()
    if record.REF is not None
]
