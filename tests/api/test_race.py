"""Two hundred want one of twenty places, at once, over HTTP, with two processes answering.

The places are guarded twice: by the lock under which the rule decides, and by the CHECK on counts that the database
keeps. Each alone holds; with both gone the same race overbooks, which shows that it is one.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from tests.api.festival import open_festival
from tests.api.processes import serving

WANTED, PLACES, ROUNDS = 200, 20, 15
UNLOCKED = "nolock"
"""What ``CALLBOARD_TEST_PROTECTIONS`` calls deciding without locks, on what was read a moment ago."""


@dataclass(frozen=True)
class Outcome:
    """How often each answer was given; the spots that the claims take; and the slot's own count."""

    answers: Counter[tuple[int, str]]
    claims: int
    count: int


async def races(database_url: str, rounds: int, off: str) -> list[Outcome]:
    """So many races, or until one is lost; each for a slot of its own, every other request to the other process."""
    with ExitStack() as processes:
        urls = [processes.enter_context(serving(database_url, CALLBOARD_TEST_PROTECTIONS=off))[0] for _ in range(2)]
        async with httpx.AsyncClient(base_url=urls[0], timeout=60) as client:
            festival = await open_festival(client)
            slots = [await festival.slot(PLACES) for _ in range(rounds)]
        outcomes = []
        for slot in slots:
            outcomes.append(await race(urls, slot, database_url))
            if outcomes[-1].claims > PLACES:
                break
        return outcomes


async def race(urls: list[str], slot: str, database_url: str) -> Outcome:
    """All stand ready with a connection each, and want the slot at once."""
    ready = asyncio.Barrier(WANTED)
    replies = await asyncio.gather(*(
        reserve(urls[number % len(urls)], slot, f"Person {number}", ready) for number in range(WANTED)
    ))  # fmt: skip
    connection = await asyncpg.connect(database_url)
    claims, count = await connection.fetchrow(
        "SELECT (SELECT coalesce(sum(spots), 0) FROM slot_reservations WHERE slot_id = s.id AND claim = 'reserved'),"
        " reserved_count FROM event_slots s WHERE id = $1::uuid",
        slot,
    )
    await connection.close()
    return Outcome(Counter(replies), claims, count)


async def reserve(url: str, slot: str, name: str, ready: asyncio.Barrier) -> tuple[int, str]:
    """Status and error code of one reservation, with as little between the start and the wire as can be."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"reserved_name": name})
    await ready.wait()
    writer.write(
        f"POST /v1/slots/{slot}/reserve HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(answer).get("error_code", "")


async def drop_checks(database_url: str) -> None:
    """Take the database's own guard away."""
    connection = await asyncpg.connect(database_url)
    names = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'event_slots'::regclass AND contype = 'c'"
        " AND pg_get_constraintdef(oid) LIKE '%overbooked_count%' AND pg_get_constraintdef(oid) LIKE '%reserved_count%'"
    )
    assert names, "no CHECK on the slot's counts was found"
    for (name,) in names:
        await connection.execute(f'ALTER TABLE event_slots DROP CONSTRAINT "{name}"')
    await connection.close()


@pytest.mark.parametrize("guard", ["both", "the lock alone", "the CHECK alone"])
async def test_twenty_get_a_place(database_url: str, guard: str) -> None:
    if guard == "the lock alone":
        await drop_checks(database_url)
    off = UNLOCKED if guard == "the CHECK alone" else ""
    for outcome in await races(database_url, 2, off):
        assert outcome.answers == {(201, ""): PLACES, (409, "SLOT_FULL"): WANTED - PLACES}
        assert (outcome.claims, outcome.count) == (PLACES, PLACES)


async def test_without_any_guard_the_same_race_overbooks(database_url: str) -> None:
    await drop_checks(database_url)
    outcomes = await races(database_url, ROUNDS, UNLOCKED)
    assert all(outcome.claims == outcome.answers[201, ""] for outcome in outcomes), "everybody was told the truth"
    assert any(outcome.claims > PLACES for outcome in outcomes), "the race was not lost once"
