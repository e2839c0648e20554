"""Two hundred want one of twenty places, at once, over HTTP, with two processes answering.

The places are guarded twice: by the lock under which the rule decides, and by the CHECK on counts that the database
keeps. Each alone holds; with both gone the same race overbooks, which shows that it is one.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import httpx
import pytest

from tests.api.festival import open_festival
from tests.api.processes import serving

WANTED, PLACES = 200, 20


async def race(url: str, database_url: str) -> tuple[Counter[tuple[int, str]], int, int]:
    """How often each answer was given; the spots that the claims take; and the slot's own count."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        festival = await open_festival(client)
        slot = await festival.slot(PLACES)
        replies = await asyncio.gather(*(
            client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": f"Person {number}"})
            for number in range(WANTED)
        ))  # fmt: skip
    answers = Counter((reply.status_code, reply.json().get("error_code", "")) for reply in replies)
    connection = await asyncpg.connect(database_url)
    claims, count = await connection.fetchrow(
        "SELECT (SELECT coalesce(sum(spots), 0) FROM slot_reservations WHERE slot_id = s.id AND claim = 'reserved'),"
        " reserved_count FROM event_slots s WHERE id = $1::uuid",
        slot,
    )
    await connection.close()
    return answers, claims, count


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
    off = "nolock,norule" if guard == "the CHECK alone" else ""
    with serving(database_url, workers=2, CALLBOARD_TEST_PROTECTIONS=off) as (url, _):
        answers, claims, count = await race(url, database_url)
    assert answers == {(201, ""): PLACES, (409, "SLOT_FULL"): WANTED - PLACES}
    assert (claims, count) == (PLACES, PLACES)


async def test_without_any_guard_the_same_race_overbooks(database_url: str) -> None:
    await drop_checks(database_url)
    with serving(database_url, workers=2, CALLBOARD_TEST_PROTECTIONS="nolock,norule") as (url, _):
        answers, claims, _ = await race(url, database_url)
    assert claims == answers[201, ""]
    assert claims > PLACES
