"""The envelope of a command, its result, and the requests and replies of ``/sync/*``.

A command is immutable: what a desk queued is sent byte for byte, under whatever version it was written.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Role

PROTO = 1
MAX_RUN = 50
MAX_PUSH_BYTES = 256 * 1024

Word = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*\Z")]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command as it crosses the wire and lies in the outbox; ``args`` stays raw until its rule reads it.

    ``occurred_at`` is the device's clock, ``clock_offset_ms`` what to add to it to get the server's; ``seen`` maps
    ``table/id`` to the version that the person looked at; ``depends_on`` names earlier commands without which this
    request makes no sense.
    """

    id: GivenId
    kind: Word
    args: msgspec.Raw
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
    v: Number = 1
    actor: Word | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    clock_offset_ms: Annotated[int, msgspec.Meta(ge=-(10**13), le=10**13)] | None = None
    seen: dict[str, int] | None = None
    depends_on: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] | None = None


Status = Literal["applied", "rejected", "failed"]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The stored verdict on one command. ``details`` holds an applied command's answer, or what a refusal names."""

    id: Id
    status: Status
    code: str | None = None
    details: dict[str, Any] | None = None


class PushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered run of one device's commands; ``seq`` is consecutive within an incarnation, from 1."""

    proto: int
    device: GivenId
    incarnation: Number
    commands: list[Envelope]


Stop = Literal["gap", "retry", "fork", "upgrade"]


class PushReply(msgspec.Struct, frozen=True, kw_only=True):
    """Results of the commands that were decided, in order; ``stop`` says why the rest was not."""

    results: list[Result]
    next_seq: int
    server_time: datetime
    stop: Stop | None = None


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """``cursor`` is what the last pull or bootstrap ended with."""

    proto: int
    cursor: str


class BootstrapRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One page. ``page`` is opaque: None for the first, then what the page before it gave."""

    proto: int
    page: str | None = None


class Desk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another device's presence: when the centre last heard of it."""

    id: Id
    name: str
    last_seen: datetime | None = None
    waiting: int | None = None  # commands that it last said it had unsent


class Begin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a delta: apply it only if your cursor is ``from_cursor`` (a bootstrap page has none)."""

    from_cursor: str | None = None
    total: int | None = None  # rows of the whole bootstrap, for progress


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last line; without it the reply was cut short and nothing of it may be applied."""

    rows: int
    server_time: datetime
    cursor: str | None = None
    next_page: str | None = None
    desks: list[Desk] | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of NDJSON; exactly one field is set."""

    begin: Begin | None = None
    put: tuple[str, msgspec.Raw] | None = None
    del_: tuple[str, Id] | None = msgspec.field(default=None, name="del")
    result: Result | None = None
    end: End | None = None


class Rebootstrap(msgspec.Struct, frozen=True):
    """The body of a 410: the cursor can't be followed; fetch everything again (the outbox stays)."""

    rebootstrap: Literal["epoch", "floor", "scope", "schema"]


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code (any case, with or without dashes) and the desk's own name for itself.

    ``proof`` is a secret that the desk makes and keeps: who asks again with the same code, its first answer lost, is
    told the token only with the same proof. A code that others overheard and a device id that they saw don't do.
    """

    code: str
    device: GivenId
    proof: Annotated[str, msgspec.Meta(min_length=16, max_length=200)]
    name: str | None = None


class EnrolReply(msgspec.Struct, frozen=True, kw_only=True):
    """``token`` is shown this once; whoever bears it is the device."""

    device: Id
    name: str
    programme: Id
    programme_name: str
    practice: bool
    ceiling: Role
    token: str
