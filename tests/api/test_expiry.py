"""Two real servers on one database: the one that ends holds is killed, and the other goes on with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from server_sync.authority import expiry, leader
from tests.api.festival import Festival, open_festival
from tests.api.processes import serving

LONGEST = 5.0
"""Seconds that may pass between the end of a hold and what follows from it."""


async def leading(sql: Any, servers: list[subprocess.Popen[str]]) -> tuple[int, psutil.Process]:
    """Which of the servers ends holds, by its number, and the very process that does."""
    query = (
        "SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory'"
        " AND l.classid = $1 AND l.objid = $2 AND l.granted"
    )
    begun = time.monotonic()
    while (port := await sql.fetchval(query, leader._LOCKS, expiry._NUMBER)) is None:
        assert time.monotonic() - begun < 10, "nobody leads"
        await asyncio.sleep(0.05)
    for number, server in enumerate(servers):
        process = psutil.Process(server.pid)
        for one in (process, *process.children(recursive=True)):
            if any(line.laddr and line.laddr.port == port for line in one.net_connections()):
                return number, one
    raise AssertionError("none of our processes leads")


async def ended(sql: Any, festival: Festival, client: httpx.AsyncClient, kill: psutil.Process | None = None) -> float:
    """Seconds from the end of a hold until somebody who waited has the place; *kill* dies while it is held."""
    slot = await festival.slot()
    held = {"kind": "reservation.hold", "args": {"slot_id": slot, "reserved_name": "Ada", "ttl_seconds": 1}}
    queued = {"kind": "reservation.reserve", "args": {"slot_id": slot, "reserved_name": "Bea", "on_full": "waitlist"}}
    ids = []
    for body in (held, queued):
        reply = await client.post("/v1/commands", json=body, headers=festival.admin)
        assert reply.status_code == 200, reply.text
        ids.append(reply.json()["details"]["reservation_id"])
    if kill is not None:
        kill.send_signal(signal.SIGKILL)
    expires = await sql.fetchval("SELECT expires_at FROM slot_reservations WHERE id = $1::text::uuid", ids[0])
    begun = time.monotonic()
    while await sql.fetchval("SELECT claim FROM slot_reservations WHERE id = $1::text::uuid", ids[1]) != "reserved":
        assert time.monotonic() - begun < LONGEST + 5, "nobody ended the hold"
        await asyncio.sleep(0.02)
    passed: float = await sql.fetchval("SELECT extract(epoch FROM now() - $1)::float8", expires)
    return passed


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
async def test_when_the_leader_is_killed_another_ends_holds_in_time(database_url: str) -> None:
    sql: Any = await asyncpg.connect(database_url)
    with serving(database_url) as (one, first), serving(database_url) as (other, second):
        async with httpx.AsyncClient(base_url=one) as client:
            festival = await open_festival(client)
            await sql.execute("UPDATE events SET waitlist_enabled = true")
            before = await ended(sql, festival, client)
        number, process = await leading(sql, [first, second])
        async with httpx.AsyncClient(base_url=(other, one)[number]) as client:
            festival.client = client
            after = await ended(sql, festival, client, kill=process)
        (first, second)[number].wait(10)
        assert (await leading(sql, [first, second] if number else [second]))[1].pid != process.pid
    print(f"\n{before:.1f} s after a hold's end, and {after:.1f} s where the leader was killed meanwhile")
    assert before < LONGEST
    assert after < LONGEST
    await sql.close()
