"""A thousand people who want one of 400 places at 300 a second: who gets one, who waits in which order, how soon."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import asyncpg

from tests.bench import reference
from tests.bench.desks import ROOT_TOKEN, ask
from tests.bench.loading import fill, settle
from tests.bench.openloop import Answer, arrivals, nothing, offer, percentile, request
from tests.bench.report import Row, compared, exactly, within
from tests.bench.reserve import WARMING, WORKERS, prepare, warm
from tests.bench.rounds import ROUNDS, Supply
from tests.bench.servers import api, postgres

PEOPLE: Final = 1_000
PLACES: Final = 400
PER_SECOND: Final = 300.0
CONNECTIONS: Final = 64
MOST_P99: Final = 200.0
SLOT: Final = "00000000-0000-7000-8000-0007{:08x}"

_ACTIVITY: Final = f"""
INSERT INTO events (id, programme_id, name, category, type, is_active, points_first, points_second, points_third,
 waitlist_enabled, waitlist_order, reserved_count, overbooked_count) SELECT
 ('00000000-0000-7000-8000-0008' || lpad(to_hex(n), 8, '0'))::uuid, {reference.PROGRAMME}, 'Workshop ' || n, 'sports',
 'individual', true, 3, 2, 1, true, 'strict', 0, 0 FROM generate_series(1, $1::int) n
"""
_BLOCK: Final = f"""
INSERT INTO event_time_blocks (id, programme_id, event_id, location_id, start_time, end_time, manual_slots, status,
 waived, reserved_count, overbooked_count) SELECT ('00000000-0000-7000-8000-0009' || lpad(to_hex(n), 8, '0'))::uuid,
 {reference.PROGRAMME}, ('00000000-0000-7000-8000-0008' || lpad(to_hex(n), 8, '0'))::uuid, {reference.ROOM},
 '2082-04-01'::timestamptz + n * interval '2 hours', '2082-04-01'::timestamptz + (n * 2 + 1) * interval '1 hour', true,
 'open', false, 0, 0 FROM generate_series(1, $1::int) n
"""
_SLOT: Final = f"""
INSERT INTO event_slots (id, programme_id, time_block_id, event_id, location_id, start_time, end_time, slot_number,
 capacity, reserved_count, overbooked_count, status, created_by_admin)
 SELECT ('00000000-0000-7000-8000-0007' || lpad(to_hex(n), 8, '0'))::uuid, {reference.PROGRAMME},
 ('00000000-0000-7000-8000-0009' || lpad(to_hex(n), 8, '0'))::uuid,
 ('00000000-0000-7000-8000-0008' || lpad(to_hex(n), 8, '0'))::uuid, {reference.ROOM},
 '2082-04-01'::timestamptz + n * interval '2 hours', '2082-04-01'::timestamptz + (n * 2 + 1) * interval '1 hour', 1,
 {PLACES}, 0, 0, 'open', true FROM generate_series(1, $1::int) n
"""

_CLAIMS: Final = """
SELECT r.claim, count(*) AS claims, sum(r.spots) AS spots FROM slot_reservations r WHERE r.slot_id = $1 GROUP BY 1
"""
_OUT_OF_ORDER: Final = """
SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY r.queued_at, r.id) AS place,
 row_number() OVER (ORDER BY c.number) AS came FROM slot_reservations r JOIN commands c ON c.id = r.id
 WHERE r.slot_id = $1 AND r.claim = 'waitlisted') line WHERE place <> came
"""
_FIRST_IN_LINE: Final = """
SELECT id::text FROM slot_reservations WHERE slot_id = $1 AND claim = 'waitlisted' ORDER BY queued_at, id LIMIT 1
"""
_TOGETHER: Final = """
SELECT p.claim = 'reserved' AND g.claim = 'cancelled' AND p.last_xid = g.last_xid AND c.last_xid = g.last_xid
 AND c.kind = 'reservation.cancel' AND c.status = 'applied' AND c.touched @> ARRAY[p.id, g.id]
 AND s.reserved_count = s.capacity AND pg_xact_status(c.last_xid) = 'committed'
 FROM slot_reservations p, slot_reservations g, commands c, event_slots s
 WHERE p.id = $1 AND g.id = $2 AND c.id = $3 AND s.id = g.slot_id
"""


def requests(base: str, activity: int, first: int) -> list[bytes]:
    """What the people from number *first* on send."""
    path = f"/v1/slots/{SLOT.format(activity)}/reserve"
    bodies = (
        {"participantId": f"00000000-0000-7000-8000-0002{person:08x}", "onFull": "waitlist"}
        for person in range(first, first + PEOPLE)
    )
    return [request(base, "POST", path, json.dumps(body).encode()) for body in bodies]


def overhead() -> list[float]:
    """What the generator adds to each latency, in ms: the same schedule against a server that does nothing."""
    with nothing() as base:
        sent = requests(base, 1, 1)
        answers = asyncio.run(offer(base, sent, arrivals(PEOPLE, PER_SECOND, 1), CONNECTIONS))
    return [answer.took * 1000 for answer in answers]


async def verify(url: str, base: str, activity: int) -> dict[str, int]:
    """How many are in and waiting, how many out of order, and whether a cancellation promotes within itself."""
    slot = SLOT.format(activity)
    connection = await asyncpg.connect(url)
    try:
        claims = {row["claim"]: row["claims"] for row in await connection.fetch(_CLAIMS, slot)}
        disorder = await connection.fetchval(_OUT_OF_ORDER, slot)
        first = await connection.fetchval(_FIRST_IN_LINE, slot)
        gone = await connection.fetchval(
            "SELECT id::text FROM slot_reservations WHERE slot_id = $1 AND claim = 'reserved' LIMIT 1", slot
        )
        done: Any = await asyncio.to_thread(ask, base, "PUT", f"/v1/reservations/{gone}", {"action": "cancel"})
        together = await connection.fetchval(_TOGETHER, first, gone, done["command_id"])
    finally:
        await connection.close()
    return {
        "in": claims.get("reserved", 0), "waiting": claims.get("waitlisted", 0), "out of order": disorder,
        "promoted with the cancellation": int(bool(together)),
    }  # fmt: skip


async def _activities(url: str, count: int) -> None:
    await fill(url, *((statement, (count,)) for statement in (_ACTIVITY, _BLOCK, _SLOT)))
    await settle(url)


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark; its length is that of a thousand people, whatever *seconds* says."""
    counts: list[dict[str, int]] = []
    offered: list[list[float]] = []
    at_once: list[list[float]] = []
    people = Supply(1, WARMING + 2 * ROUNDS * PEOPLE)
    ours = overhead()
    with postgres() as database:
        asyncio.run(prepare(database.dsn, WARMING + 2 * ROUNDS * PEOPLE))
        asyncio.run(_activities(database.dsn, 2 * ROUNDS))
        with api(database.dsn, WORKERS, {"CALLBOARD_ROOT_TOKEN": ROOT_TOKEN}) as base:
            warm(base, people)
            for activity in range(1, 2 * ROUNDS + 1):
                sent = requests(base, activity, people.take(PEOPLE))
                spread = activity % 2 == 1
                times = arrivals(PEOPLE, PER_SECOND, activity) if spread else [0.0] * PEOPLE
                answers = asyncio.run(offer(base, sent, times, CONNECTIONS))
                (offered if spread else at_once).append(_latencies(answers))
                counts.append(asyncio.run(verify(database.dsn, base, activity)))
                print(f"rsvp, {'spread' if spread else 'at once'}: p99 {percentile(_latencies(answers), 0.99):.1f} ms; "
                      f"{counts[-1]}", flush=True)  # fmt: skip
    return _rows(ours, offered, at_once, counts)


def _latencies(answers: list[Answer]) -> list[float]:
    """In ms; RuntimeError if somebody was not answered as a reservation is."""
    strange = [answer for answer in answers if answer.status not in (200, 201, 202)]
    if strange:
        raise RuntimeError(f"{len(strange)} were not answered: {strange[0].status} {strange[0].body[:300].decode()}")
    return [answer.took * 1000 for answer in answers]


def _rows(
    ours: list[float], offered: list[list[float]], at_once: list[list[float]], counts: list[dict[str, int]]
) -> list[Row]:
    name = f"{PEOPLE:,} people at {PER_SECOND:.0f} a second"
    wanted = {"in": PLACES, "waiting": PEOPLE - PLACES, "out of order": 0, "promoted with the cancellation": 1}
    rows = [within("rsvp", f"{name}, p99", [percentile(run, 0.99) for run in offered], "ms", MOST_P99)]
    rows.append(compared("rsvp", f"{name}, p50", [percentile(run, 0.5) for run in offered], "ms", []))
    rows.append(compared("rsvp", "the generator's own part of it, p99", [percentile(ours, 0.99)], "ms", []))
    rows.append(compared("rsvp", "all of them at once, p99", [percentile(run, 0.99) for run in at_once], "ms", []))
    for what, count in wanted.items():
        worst = max((abs(found[what] - count), found[what]) for found in counts)[1]
        rows.append(exactly("rsvp", f"{what}, in the worst of {len(counts)} runs", worst, "count", count))
    return rows
