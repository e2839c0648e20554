"""A file is sent to the server, looked at, and imported."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from server_sync.api.app import create_app
from server_sync.api.settings import Settings
from server_sync.authority.runs import read_item
from server_sync.rules.registry import RULES
from server_sync.serving import read_file
from tests.api.festival import ROOT_TOKEN, Festival, open_festival

PEOPLE = b"id,first name,last name,school\n1,Ada,Okafor,St Anne\n2,Bo,Lind,St Anne\n2,Bo,Lind,St Anne\n"


@pytest.fixture
async def festival(database_url: str) -> AsyncIterator[Festival]:
    """A festival on a server that reads files."""
    app = create_app(Settings(database_url, ROOT_TOKEN), read_file)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://callboard") as client:
            yield await open_festival(client)


async def send(festival: Festival, data: bytes, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    """POST a file, as an admin unless *headers* say otherwise."""
    return await festival.client.post(
        "/v1/import", content=data, params=query, headers=festival.admin if headers is None else headers
    )


async def people(festival: Festival) -> int:
    """How many of the file's people are there."""
    reply = await festival.client.get("/v1/participants/search", params={"q": "o", "programme": festival.programme})
    return len(reply.json()["participants"])


async def test_a_roster_is_looked_at_then_imported_then_the_same(festival: Festival) -> None:
    dry = await send(festival, PEOPLE, name="roster.csv", dry_run="true")
    assert dry.status_code == 200, dry.text
    assert (dry.json()["dry_run"], dry.json()["tables"]["participants"]["added"]) == (True, 2)
    assert await people(festival) == 0
    done = (await send(festival, PEOPLE, name="roster.csv")).json()
    assert (done["changed"], done["in_file"]["people"], done["tables"]) == (
        2, 2, dry.json()["tables"],
    )  # fmt: skip
    assert any("roster.csv, line" in str(problem["place"]) or problem["place"]["line"] for problem in done["problems"])
    assert await people(festival) > 0
    again = (await send(festival, PEOPLE, name="roster.csv")).json()
    assert (again["changed"], again["tables"]["participants"]["unchanged"]) == (0, 2)


async def test_a_long_file_keeps_nobody_waiting(festival: Festival, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that takes seconds for one happens on threads, while the loop answers others."""
    seen: dict[str, set[bool]] = {}

    def noted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def working(*args: Any) -> Any:
            seen.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
            return work(*args)

        return working

    rule = RULES["import.apply"]
    watched = dataclasses.replace(rule, needs=noted("needs", rule.needs), decide=noted("decide", rule.decide))
    monkeypatch.setitem(RULES, rule.kind, watched)
    monkeypatch.setattr("server_sync.authority.discover.read_item", noted("read", read_item))
    for dry_run in ("true", "false"):
        reply = await send(festival, PEOPLE, dry_run=dry_run)
        assert (reply.status_code, reply.json()["changed"]) == (200, 2), reply.text
        assert seen == {"read": {False}, "needs": {False}, "decide": {False}}, dry_run
        seen.clear()


async def test_a_file_that_is_too_long_is_told_so(festival: Festival) -> None:
    reply = await send(festival, b"x" * (16 * 1024 * 1024 + 1))
    assert (reply.status_code, reply.json()["error_code"]) == (413, "TOO_LARGE")
    assert reply.json()["error"] == "That is too much at once; 16 MB are the most."


async def test_a_file_that_cannot_be_read(festival: Festival) -> None:
    for data in (b"", b"PK\x03\x04 a spreadsheet", b"<schedule><day", b"\x00\x01\x02"):
        reply = await send(festival, data, name="x.xlsx")
        assert (reply.status_code, reply.json()["error_code"]) == (409, "IMPORT_REFUSED"), reply.text
        problem = reply.json()["details"]["problem"]
        assert problem["place"]["file"] == "x.xlsx"
        assert problem["reason"]
        assert problem["advice"]


async def test_who_may_import(festival: Festival) -> None:
    assert (await send(festival, PEOPLE, {})).status_code == 401
    assert (await send(festival, PEOPLE, festival.manager)).status_code == 403
    root = {"Authorization": f"Bearer {ROOT_TOKEN}"}
    assert (await send(festival, PEOPLE, root)).status_code == 422, "root must say which programme"
    assert (await send(festival, PEOPLE, root, programme=festival.programme)).status_code == 200
