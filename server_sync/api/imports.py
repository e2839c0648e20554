"""``POST /v1/import``: a file as it is, into the caller's programme, with a report."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import scope
from server_sync.authority.queries.preview import preview
from server_sync.protocol.commands import Envelope
from server_sync.protocol.errors import IMPORT_REFUSED, INVALID, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.imports import ImportRefused, Problem, Summary, summary

faces = Faces("import")


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` is what the report calls the file; a dry run only says what would happen."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "file"
    dry_run: bool = False


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds, what was (or would be) written to each table, and what a person should look at.

    ``problems`` are those met while reading, ``applied_problems`` those met while applying it to what is there.
    """

    programme_id: Id
    dry_run: bool
    file_hash: str
    in_file: Summary
    changed: int
    tables: dict[str, dict[str, int]]
    not_in_file: dict[str, Any]
    problems: list[Problem]
    applied_problems: list[dict[str, Any]]


@faces.post("/import", None, Imported, query=ImportQuery, role="admin", file=True, most="most_file",
            refusals=(IMPORT_REFUSED,))  # fmt: skip
async def import_file(call: Call[ImportQuery]) -> Imported | Refusal:
    """Import a CSV file, a frab schedule.xml, a schedule.json or an iCalendar file; the body is the file itself."""
    programme_id, read = call.named_programme(), call.services.read_file
    if programme_id is None:
        return Refusal(INVALID, {"field": "programme", "problem": "say which programme"})
    known = await scope.programmes(call.services.reads, programme_id)
    if not known or read is None:
        return Refusal(NOT_FOUND, {"programme_id": programme_id})
    document = await asyncio.to_thread(read, call.query.name, call.content, known[0].time_zone)
    if isinstance(document, ImportRefused):
        return Refusal(IMPORT_REFUSED, {"problem": msgspec.to_builtins(document.problem)})
    args = await asyncio.to_thread(msgspec.json.encode, {"document": document})
    envelope = Envelope(id=call.command_id, kind="import.apply", args=msgspec.Raw(args))
    done = await _carry_out(call, envelope, programme_id)
    if isinstance(done, Refusal):
        return done
    return Imported(
        programme_id=programme_id, dry_run=call.query.dry_run, file_hash=document.file_hash, in_file=summary(document),
        changed=done["changed"], tables=done["tables"], not_in_file=done["not_in_file"],
        problems=list(document.problems), applied_problems=done["problems"],
    )  # fmt: skip


async def _carry_out(call: Call[ImportQuery], envelope: Envelope, programme_id: Id) -> dict[str, Any] | Refusal:
    if call.query.dry_run:
        return call.told(await preview(call.services.authority.pool, call.principal, envelope, programme_id))
    return await call.give(envelope, programme_id)
