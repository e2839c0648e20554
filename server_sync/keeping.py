"""What the server's keeper does beside serving: get at the database, invite desks, add staff, look after them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from server_sync.authority.credentials import ROOT, Credentials, spell_code
from server_sync.authority.migrate import migrate
from server_sync.authority.queries import access, scope
from server_sync.authority.queries.engine import Reads
from server_sync.authority.session import Authority
from server_sync.embedded import database
from server_sync.embedded.database import VARIABLE
from server_sync.embedded.folder import DATABASE, USER
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id, new_id, secret_id
from server_sync.protocol.records import Programme

CODE_MINUTES = 15


class Trouble(Exception):
    """Something that the keeper must settle; the text says what."""


# ------------------------------------------------------------- the database


@contextlib.contextmanager
def own_database(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The URL of the database for a server: DATABASE_URL's, else the embedded one, which ends with the context."""
    with database(folder, environ) as found:
        yield found.url


@contextlib.contextmanager
def any_database(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """As ``own_database``, but where a server already runs on *folder*, that one's."""
    running = None if environ.get(VARIABLE) else _running_on(folder)
    if running is not None:
        yield running
        return
    with own_database(folder, environ) as url:
        yield url


def _running_on(folder: Path) -> str | None:
    """The URL of the embedded Postgres that runs on *folder* now, as its own files tell."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        password = (folder / "password").read_text().strip()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready" or not _alive(int(lines[0])):
        return None
    return f"postgresql://{USER}:{quote(password, safe='')}@127.0.0.1:{int(lines[3])}/{DATABASE}"


def _alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and "postgres" in psutil.Process(pid).name()


async def migrated(url: str) -> str:
    """Migrate; returns the version."""
    await migrate(url)
    reads = Reads.open(url, 1)
    try:
        return await scope.schema_version(reads) or "?"
    finally:
        await reads.close()


async def prepare(url: str) -> list[str]:
    """Bring the database up to date before serving; what the keeper should be told."""
    await migrate(url)
    async with opened(url) as (_, reads, tokens):
        if await scope.programmes(reads, None):
            return []
        return [
            "This server is new. Its root token, with which you make programmes, is",
            f"  {tokens.root_token()}",
            "Keep it secret. `callboard-server root-token` prints it again.",
        ]


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Authority, Reads, Credentials]]:
    """What the keeper's commands work with, on a migrated database."""
    authority = await Authority.open(url)
    reads = Reads.open(url, 1)
    try:
        secret = await scope.server_secret(authority.pool)
        yield authority, reads, Credentials(authority.pool, secret)
    finally:
        await reads.close()
        await authority.close()


async def root_token(url: str) -> str:
    """The token of whoever runs the server."""
    async with opened(url) as (_, _, tokens):
        return tokens.root_token()


# ------------------------------------------------------------ in a programme


async def find_programme(reads: Reads, named: str | None) -> Programme:
    """The programme with that id, ref or name; the only one, if none is named. Raises ``Trouble``."""
    known = await scope.programmes(reads, None)
    listed = "".join(f"\n  {programme.ref}  {programme.name}  {programme.id}" for programme in known)
    if named is None:
        if len(known) == 1:
            return known[0]
        raise Trouble(f"Say which programme, with --programme:{listed}" if known else "There is no programme yet.")
    found = [programme for programme in known if named in (programme.id, programme.ref, programme.name)]
    if len(found) != 1:
        raise Trouble(f"{'No' if not found else 'More than one'} programme is called {named!r}. There are:{listed}")
    return found[0]


async def carry_out(authority: Authority, kind: str, args: dict[str, Any], programme_id: Id | None, id: Id) -> Any:
    """The answer of a command given by the keeper; raises ``Trouble`` with the refusal's words."""
    envelope = Envelope(id=id, kind=kind, args=msgspec.Raw(msgspec.json.encode(args)))
    return answer_of(await authority.submit(ROOT, envelope, programme_id))


def answer_of(result: Result | Refusal) -> dict[str, Any]:
    """The answer of an applied (or previewed) command; raises ``Trouble`` with the refusal's words."""
    if isinstance(result, Result) and result.status == "applied":
        return result.details or {}
    refusal = result if isinstance(result, Refusal) else Refusal(result.code or "", result.details or {})
    raise Trouble(f"{refusal.words} {json.dumps(refusal.details) if refusal.details else ''}".rstrip())


async def invite(url: str, programme: str | None, name: str, ceiling: str) -> tuple[str, int]:
    """A code for a new desk, and for how many minutes it works."""
    async with opened(url) as (authority, reads, tokens):
        found, id = await find_programme(reads, programme), new_id()
        code = tokens.code_for(id)
        args = {
            "name": name,
            "ceiling": ceiling,
            "code_id": secret_id(code),
            "expires_at": datetime.now(UTC) + timedelta(minutes=CODE_MINUTES),
        }
        await carry_out(authority, "device.invite", args, found.id, id)
        return spell_code(code), CODE_MINUTES


async def add_staff(url: str, programme: str | None, name: str, role: str) -> str:
    """The token of a new member of staff."""
    async with opened(url) as (authority, reads, tokens):
        found, id = await find_programme(reads, programme), new_id()
        token = tokens.token_for(id)
        args = {"name": name, "role": role, "token_id": secret_id(token)}
        await carry_out(authority, "staff.create", args, found.id, id)
        return token


async def staff(url: str, programme: str | None) -> list[tuple[str, ...]]:
    """Name, role, active and id of all staff."""
    async with opened(url) as (_, reads, _):
        found = await find_programme(reads, programme)
        known = await access.staff(reads, found.id)
        return [(row.name, row.role, "yes" if row.is_active else "no", row.id) for row in known]


async def devices(url: str, programme: str | None) -> list[tuple[str, ...]]:
    """Name, ceiling, enrolled, last seen, revoked and id of all desks."""
    async with opened(url) as (_, reads, _):
        found = await find_programme(reads, programme)
        return [
            (row.name, row.ceiling, _when(row.enrolled_at), _when(row.last_seen), _when(row.revoked_at), row.id)
            for row in await access.devices(reads, found.id)
        ]


async def revoke(url: str, programme: str | None, named: str) -> str:
    """Revoke the desk with that id or name; returns its name."""
    async with opened(url) as (authority, reads, _):
        found = await find_programme(reads, programme)
        known = [row for row in await access.devices(reads, found.id) if named in (row.id, row.name)]
        known = [row for row in known if row.revoked_at is None] or known
        if len(known) != 1:
            raise Trouble(f"{'No' if not known else 'More than one'} desk is called {named!r}; `devices` lists them.")
        await carry_out(authority, "device.revoke", {"device_id": known[0].id}, found.id, new_id())
        return known[0].name


def _when(time: datetime | None) -> str:
    return "-" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")
