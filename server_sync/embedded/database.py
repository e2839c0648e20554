"""The database that the server uses: the Postgres of DATABASE_URL, else the embedded one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server_sync.embedded.binaries import CannotStart
from server_sync.embedded.postgres import EmbeddedPostgres

VARIABLE = "DATABASE_URL"


@dataclass(frozen=True)
class Database:
    """A database to connect to: its URL as asyncpg and psql read it, and the embedded server behind it, if one is."""

    url: str
    embedded: EmbeddedPostgres | None = None


@contextmanager
def database(folder: Path, environ: Mapping[str, str]) -> Iterator[Database]:
    """Give the database for as long as the context lasts; an embedded one lives in `folder` and is stopped after it.

    DATABASE_URL in `environ` names any Postgres from 14 on (its version is checked where it is first connected to).
    Raises CannotStart with words for the person who started the server.
    """
    url = environ.get(VARIABLE, "")
    if url:
        yield Database(plain_url(url))
        return
    with EmbeddedPostgres(folder) as server:
        yield Database(server.dsn, server)


def plain_url(url: str) -> str:
    """A Postgres URL without SQLAlchemy's driver and with the scheme's full name."""
    scheme, separator, rest = url.partition("://")
    if scheme.partition("+")[0] not in ("postgres", "postgresql") or not separator:
        raise CannotStart(
            f"{VARIABLE} must begin with postgresql://, not {scheme}://"
            if separator
            else f"{VARIABLE} is not a URL; write postgresql://user:password@host:port/database"
        )
    plain = f"postgresql://{rest}"
    try:
        named = urlsplit(plain)
        named.port  # noqa: B018  raises for a port that is not a number
    except ValueError as error:
        raise CannotStart(f"{VARIABLE} cannot be read: {error}") from error
    if not named.path.strip("/"):
        raise CannotStart(f"{VARIABLE} names no database; write postgresql://user:password@host:port/database")
    return plain
