"""``POST /v1/commands``: any kind of command, for programmes that speak the protocol itself; or what it would do."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from starlette.responses import Response

from server_sync.api.answers import answer, refuse, refused
from server_sync.api.faces import Call, Faces
from server_sync.api.slots import Instant
from server_sync.api.spelling import spelling_of
from server_sync.authority.queries.kinds import ARGUMENTS
from server_sync.authority.queries.preview import preview
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import INVALID, NOT_ALLOWED, UNKNOWN_KIND, Refusal
from server_sync.protocol.ids import GivenId

faces = Faces("commands")

_ENDS_ACCESS: Final = frozenset({"device.revoke", "staff.revoke"})

Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=sorted(ARGUMENTS))]


class NewCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command: its kind, and the arguments that go with that kind.

    Its ``id`` (any UUID, best a version 7) makes it safe to send twice, as an Idempotency-Key does.

    ``seen`` maps ``table/id`` to the version that the person looked at.
    """

    kind: Kind
    args: dict[str, Any]
    id: GivenId | None = None
    v: int = 1
    occurred_at: Instant | None = None
    seen: dict[str, int] | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What the command would answer, had it been given now."""

    kind: str
    details: dict[str, Any]


@faces.post(
    "/commands", NewCommand, Result, role="volunteer", refusals=(UNKNOWN_KIND,),
    example='{"kind": "location.create", "args": {"name": "Room B"}}',
)  # fmt: skip
async def give(call: Call[Any]) -> Response | Refusal:
    """Give any command that the token's role may give, and be told the verdict."""
    asked = _envelope(call)
    if isinstance(asked, Refusal):
        return asked
    result = await call.services.authority.submit(call.principal, asked, call.named_programme())
    if asked.kind in _ENDS_ACCESS:
        call.services.credentials.forget()
    if isinstance(result, Refusal):
        return result
    return answer(result) if result.status == "applied" else refuse(refused(result))


@faces.post(
    "/commands/preview", NewCommand, Preview, role="volunteer", refusals=(UNKNOWN_KIND,),
    example='{"kind": "location.create", "args": {"name": "Room B"}}',
)  # fmt: skip
async def look_ahead(call: Call[Any]) -> Preview | Refusal:
    """Be told what a command would answer, or why it would be refused. Nothing is written, and its id stays free."""
    asked = _envelope(call)
    if isinstance(asked, Refusal):
        return asked
    found = call.told(await preview(call.services.authority.pool, call.principal, asked, call.named_programme()))
    return found if isinstance(found, Refusal) else Preview(kind=asked.kind, details=found)


def _envelope(call: Call[Any]) -> Envelope | Refusal:
    """The command in the body, as the protocol has it."""
    try:
        asked = msgspec.convert(call.body, NewCommand)
    except msgspec.ValidationError as error:
        return Refusal(INVALID, {"problem": str(error)})
    args = _arguments(asked)
    if isinstance(args, Refusal):
        return args
    if asked.kind == "programme.create" and call.principal.programme_id is not None:
        return Refusal(NOT_ALLOWED, {"problem": "only the server's own root token makes programmes"})
    return Envelope(
        id=asked.id or call.command_id, kind=asked.kind, args=msgspec.Raw(msgspec.json.encode(args)), v=asked.v,
        occurred_at=asked.occurred_at, seen=asked.seen,
    )  # fmt: skip


def _arguments(asked: NewCommand) -> dict[str, Any] | Refusal:
    """The arguments as the kind spells them; those of a kind or version that isn't known are turned away later."""
    shape = ARGUMENTS.get(asked.kind) if asked.v == 1 else None
    return asked.args if shape is None else spelling_of(shape).read(asked.args.items(), "args.")
