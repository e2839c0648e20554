"""The application on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from server_sync.api.app import create_app
from server_sync.api.settings import Settings
from tests.api.festival import ROOT_TOKEN, Festival, open_festival


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """The application, started."""
    app = create_app(Settings(database_url, ROOT_TOKEN))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who speaks HTTP to it, within this process."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://callboard") as client:
        yield client


@pytest.fixture
async def festival(client: httpx.AsyncClient) -> Festival:
    """A small festival."""
    return await open_festival(client)
