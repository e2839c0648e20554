"""Whatever is sent, the answer has one shape and says nothing of the inside."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server_sync.api.reading import DEEPEST, too_deep
from tests.api.festival import Festival

HOSTILE = {
    "nothing of JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "a string": b'"x"',
    "null": b"null",
    "bytes that are no text": b'{"reserved_name": "\xff\xfe"}',
    "a lone surrogate": b'{"reserved_name": "\\ud800"}',
    "two objects": b"{}{}",
    "not a number": b'{"guests": NaN}',
    "deep arrays": b'{"metadata": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "deep objects": b'{"metadata": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "only brackets": b"[" * 60_000,
}
INVALID: dict[str, Any] = {
    "NUL": {"reserved_name": "a\0b"},
    "NUL in a name": {"reserved_name": "x", "metadata": {"a\0": 1}},
    "a huge number": {"reserved_name": "x", "guests": 10**30},
    "a negative number": {"reserved_name": "x", "guests": -1},
    "a fraction": {"reserved_name": "x", "guests": 1.5},
    "an empty name": {"reserved_name": ""},
    "a long name": {"reserved_name": "x" * 201},
    "a list for a text": {"reserved_name": ["x"]},
    "an id of another kind": {"participant_ids": [1]},
    "half an id": {"participant_ids": ["01a1fbfd-877f-7050"]},
    "another queue": {"reserved_name": "x", "on_full": "push in"},
}


def is_error(reply: httpx.Response, status: int, code: str) -> None:
    """Check that the answer is that error, in the one shape."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"error", "error_code", "details"}
    assert body["error_code"] == code
    assert isinstance(body["error"], str)
    assert body["error"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_body_that_cannot_be_read(festival: Festival, name: str) -> None:
    slot = await festival.slot()
    is_error(await festival.client.post(f"/v1/slots/{slot}/reserve", content=HOSTILE[name]), 400, "UNREADABLE")
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["remaining"] == 1


async def test_a_value_that_cannot_be_used(festival: Festival) -> None:
    slot = await festival.slot()
    for name, body in INVALID.items():
        reply = await festival.client.post(f"/v1/slots/{slot}/reserve", content=json.dumps(body).encode())
        assert reply.status_code in (400, 422), (name, reply.text)
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["remaining"] == 1


async def test_numbers_that_json_can_say_and_a_database_cannot(festival: Festival) -> None:
    slot = await festival.slot()
    body = b'{"reserved_name": "x", "metadata": {"n": 1e400, "m": 123456789012345678901234567890}}'
    reply = await festival.client.post(f"/v1/slots/{slot}/reserve", content=body)
    assert reply.status_code in (201, 400, 422), reply.text


async def test_a_body_in_parts_is_cut_off_at_the_limit(festival: Festival) -> None:
    slot = await festival.slot()
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 10_000

    path = f"/v1/slots/{slot}/reserve"
    is_error(await festival.client.post(path, content=b"x" * 70_000), 413, "TOO_LARGE")
    is_error(await festival.client.post(path, content=endless()), 413, "TOO_LARGE")
    assert sent < 20


async def test_paths_methods_and_ids_that_are_not_there(client: httpx.AsyncClient) -> None:
    unknown = "01a1fbfd-877f-7050-9dd2-383c26427a1f"
    is_error(await client.get("/v2/events"), 404, "NOT_FOUND")
    is_error(await client.get(f"/v1/events/{unknown}"), 404, "NOT_FOUND")
    is_error(await client.get("/v1/events/%00"), 404, "NOT_FOUND")
    is_error(await client.get("/v1/events/7"), 404, "NOT_FOUND")
    is_error(await client.get(f"/v1/events/{unknown}/timeblocks"), 404, "NOT_FOUND")
    is_error(await client.get("/v1/participants/search"), 422, "INVALID")
    is_error(await client.get("/v1/participants/search?q=a%00b"), 422, "INVALID")
    is_error(await client.get("/v1/events?programme=7"), 404, "NOT_FOUND")
    reply = await client.delete("/v1/events")
    is_error(reply, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in reply.headers["allow"]


@pytest.mark.expects_log("GET /v1/locations failed")
async def test_a_bug_is_logged_and_not_told(app: FastAPI, client: httpx.AsyncClient) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("the secret is 42")

    app.state.services.reads.rows = broken
    reply = await client.get("/v1/locations")
    is_error(reply, 500, "INTERNAL")
    assert "42" not in reply.text


async def test_a_database_that_is_away_is_said_so(app: FastAPI, client: httpx.AsyncClient) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionRefusedError(111, "refused")

    app.state.services.reads.rows = away
    reply = await client.get("/v1/locations")
    is_error(reply, 503, "UNAVAILABLE")
    assert int(reply.headers["retry-after"]) > 0


def test_depth_counts_brackets_but_not_those_in_texts() -> None:
    nested = b"[" * DEEPEST + b"]" * DEEPEST
    assert not too_deep(nested)
    assert too_deep(b"[" + nested + b"]")
    assert not too_deep(b'{"a": "' + b"[" * 1000 + b'"}')
    assert not too_deep(b'{"a": "\\"' + b"[" * 1000 + b'"}')
    assert too_deep(b'{"a": "\\\\", "b": ' + b"[" * 1000)
    assert not too_deep(b"[" + b"[]," * 1000 + b"[]]")


async def test_input_that_postgres_could_not_cope_with(festival: Festival) -> None:
    query = {"q": "\u0149", "programme": festival.programme}
    quote = await festival.client.get("/v1/participants/search", params=query)
    assert quote.status_code == 200, "one letter that folds to a quote and another"
    early = await festival.client.get("/v1/slots", params={"from": "0001-01-01T00:00:00+10:00"})
    assert (early.status_code, early.json()["error_code"]) == (422, "INVALID")
