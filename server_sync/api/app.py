"""The application: every face, the guard round them, and what they work with while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from server_sync.api import (
    audit,
    commands,
    conflicts,
    devices,
    events,
    flags,
    guard,
    health,
    imports,
    locations,
    openapi,
    people,
    poke,
    programmes,
    reservations,
    rooms,
    seats,
    slots,
    staff,
    sync,
    waitlists,
)
from server_sync.api.services import ReadFile, Services
from server_sync.api.settings import Settings
from server_sync.authority.connection import open_pool
from server_sync.authority.credentials import Credentials
from server_sync.authority.expiry import Expiry
from server_sync.authority.feed import Feed
from server_sync.authority.pokes import Pokes
from server_sync.authority.queries.engine import Reads
from server_sync.authority.queries.scope import server_secret
from server_sync.authority.queries.slots import SlotLoader
from server_sync.authority.session import Authority

DESCRIPTION = """Sign-ups, schedules and check-in for events whose people are called to a room at a time.

Times are ISO 8601 with an offset. Every error has the shape of `Error`; what a request changes, it changes once however
often it is sent with the same `Idempotency-Key`. Names of fields may be written in snake_case or in camelCase; one that
is not known is refused.
"""

FEED_CONNECTIONS: Final = 3
"""Apart from the authority's, so that desks that fetch everything never make a reservation wait."""

# Routes are tried in this order: those that take most of the traffic come first.
_V1 = (
    slots, reservations, events, people, locations, flags, devices, staff, programmes, commands, imports, conflicts,
    audit, seats, rooms, waitlists,
)  # fmt: skip


@contextlib.asynccontextmanager
async def services(settings: Settings, read_file: ReadFile | None) -> AsyncIterator[Services]:
    """Open what the faces work with, and close it in turn. Raises what asyncpg raises if there is no database."""
    async with contextlib.AsyncExitStack() as stack:
        authority = await Authority.open(settings.database_url, lanes=settings.lanes)
        stack.push_async_callback(authority.close)
        expiry = Expiry.open(settings.database_url, authority)
        stack.push_async_callback(expiry.close)
        reads = Reads.open(settings.database_url)
        stack.push_async_callback(reads.close)
        pokes = Pokes.open(settings.database_url)
        stack.push_async_callback(pokes.close)
        feed_pool = await open_pool(settings.database_url, FEED_CONNECTIONS)
        stack.push_async_callback(feed_pool.close)
        feed = Feed(feed_pool)
        stack.push_async_callback(feed.close)
        credentials = Credentials(authority.pool, await server_secret(authority.pool), settings.root_token)
        yield Services(settings, authority, reads, SlotLoader(authority.pool), credentials, pokes, feed, read_file)


def create_app(settings: Settings, read_file: ReadFile | None = None) -> FastAPI:
    """The ASGI application; it connects when it starts. *read_file* is what reads files to import, if it should."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services(settings, read_file) as opened:
            app.state.services = opened
            yield

    app = FastAPI(
        title=settings.name, version=version("callboard"), description=DESCRIPTION, lifespan=lifespan,
        docs_url="/docs", redoc_url=None,
    )  # fmt: skip
    sync.faces.install(app, "/sync")
    poke.faces.install(app, "/sync")
    for area in _V1:
        area.faces.install(app, "/v1")
    health.faces.install(app)
    guard.install(app)
    openapi.install(app)
    return app
