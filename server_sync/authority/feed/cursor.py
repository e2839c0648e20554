"""What a desk keeps to say how far it has come: a whole snapshot, with what it is worth, signed.

A cursor is opaque to desks. It holds the snapshot up to which the desk has everything (``pg_snapshot``), the epoch of
the database that this snapshot is of, the scope it was read in and the shape of the rows. Whatever a desk sends is a
value: a cursor that can't be followed, garbage too, is answered with the reason to fetch everything again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self, TypeVar

import msgspec

from server_sync.authority.principal import Principal
from server_sync.protocol.commands import Rebootstrap
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SYNCED, Role, columns

_TAG_BYTES: Final = 16
_ENCODER: Final = msgspec.json.Encoder()


def _digest(value: object) -> str:
    return blake2b(_ENCODER.encode(value), digest_size=8).hexdigest()


SCHEMA: Final = _digest([[record.TABLE, columns(record)] for record in SYNCED])
"""The shape of the rows: a desk that has rows of another shape fetches them again."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A desk as the feed sees it; its ceiling says which columns it gets."""

    id: Id
    programme_id: Id
    ceiling: Role

    @classmethod
    def of(cls, principal: Principal) -> Self | None:
        """The desk that *principal* is, or None if it is none."""
        if principal.device_id is None or principal.programme_id is None:
            return None
        return cls(principal.device_id, principal.programme_id, principal.role)

    @property
    def sees_all(self) -> bool:
        """Whether it receives the columns that are for admins only."""
        return self.ceiling == "admin"

    @property
    def scope(self) -> str:
        """What it may see, as a hash: a cursor is worth nothing in another scope."""
        return _digest([self.id, self.programme_id, self.sees_all])


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """``snapshot`` is ``pg_snapshot`` as text; everything visible in it has reached the desk."""

    snapshot: str
    epoch: str
    scope: str
    schema: str = SCHEMA


class PageToken(msgspec.Struct, frozen=True, array_like=True):
    """Where a bootstrap goes on: in table number ``table`` after the row ``after``; ``cursor`` is its first page's."""

    cursor: Cursor
    table: int
    after: str | None
    total: int


S = TypeVar("S", Cursor, PageToken)


def sign(value: Cursor | PageToken, secret: bytes) -> str:
    """*value* as the text that a desk keeps."""
    said = _ENCODER.encode(value)
    return base64.urlsafe_b64encode(_tag(type(value), said, secret) + said).decode()


def verify(kind: type[S], text: str, follower: Follower, secret: bytes) -> S | Rebootstrap:
    """What *text* says if we signed it for this desk, now; else why everything has to be fetched again."""
    try:
        raw = base64.b64decode(text.encode("ascii"), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return Rebootstrap("epoch")
    tag, said = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(kind, said, secret)):
        return Rebootstrap("epoch")
    try:
        value = msgspec.json.decode(said, type=kind)
    except msgspec.DecodeError:  # signed by an older version that said it differently
        return Rebootstrap("schema")
    cursor = value.cursor if isinstance(value, PageToken) else value
    if cursor.schema != SCHEMA:
        return Rebootstrap("schema")
    if cursor.scope != follower.scope:
        return Rebootstrap("scope")
    return value


def _tag(kind: type[Cursor | PageToken], said: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, kind.__name__.encode() + b":" + said, "sha256")[:_TAG_BYTES]
