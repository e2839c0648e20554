"""Whether a full house slows anything: reserving and checking in beside a million reservations and ledger rows.

Two databases, one empty and one full, take turns in every round, so that what is compared was measured together.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.bench import checkin, reference, reserve
from tests.bench.desks import ROOT_TOKEN, enrol
from tests.bench.load import Measured
from tests.bench.loading import fill, settle
from tests.bench.report import Row, compared, steady
from tests.bench.rounds import Supply, per_second, rows_for
from tests.bench.servers import api, postgres

CLAIMS: Final = 1_000_000
LEDGER: Final = 1_000_000
PEOPLE: Final = 100_000
CLIENTS: Final = 64
MOST: Final = 0.2
TURNS: Final = 5
"""More than elsewhere: what is looked for is a small difference."""
Found = dict[str, list[Measured]]

_OTHER: Final = "00000000-0000-7000-8000-00000000000b"
_PROGRAMME: Final = f"(CASE WHEN n % 2 = 0 THEN {reference.PROGRAMME} ELSE '{_OTHER}'::uuid END)"


def _id(table: str, number: str) -> str:
    return f"('00000000-0000-7000-8000-{table}' || lpad(to_hex(({number})::int), 8, '0'))::uuid"


def _of_half(table: str) -> str:
    """One row for each of the two programmes."""
    return _id(table, "n % 2")


_EVENT, _BLOCK, _ROOM = (_of_half(table) for table in ("000c", "000d", "000e"))
_START: Final = "'2082-05-01'::timestamptz + ((n / 2) * 2) * interval '1 minute'"
_SLOT_OF: Final = "(n % 2 + 2 * ((n / 2 % 5000 + 7 * (n / 100000)) % 5000))"
"""Slots 0 to 9,999, the even ones of one programme; the ten claims of one person are in ten of them."""
_SLOT: Final = _id("000f", _SLOT_OF)
_PERSON: Final = _id("0002", f"n % {PEOPLE} + {0x20000000}")

LOADING: Final = (
    f"""INSERT INTO programmes (id, programme_id, name, time_zone, status, practice)
 VALUES ('{_OTHER}', '{_OTHER}', 'Another festival', 'UTC', 'published', false)""",
    f"""INSERT INTO events (id, programme_id, name, category, type, is_active, points_first, points_second,
 points_third, waitlist_enabled, waitlist_order, reserved_count, overbooked_count)
 SELECT {_EVENT}, {_PROGRAMME}, 'Tour ' || n, 'sports', 'individual', true, 3, 2, 1, false, 'strict', 0, 0
 FROM generate_series(0, 1) n""",
    f"""INSERT INTO locations (id, programme_id, name) SELECT {_ROOM}, {_PROGRAMME}, 'Yard ' || n
 FROM generate_series(0, 1) n""",
    f"""INSERT INTO event_time_blocks (id, programme_id, event_id, location_id, start_time, end_time, manual_slots,
 status, waived, reserved_count, overbooked_count) SELECT {_BLOCK}, {_PROGRAMME}, {_EVENT}, {_ROOM}, '2082-05-01',
 '2082-06-01', true, 'open', false, 0, 0 FROM generate_series(0, 1) n""",
    f"""INSERT INTO event_slots (id, programme_id, time_block_id, event_id, location_id, start_time, end_time,
 slot_number, capacity, reserved_count, overbooked_count, status, created_by_admin)
 SELECT {_id("000f", "n")}, {_PROGRAMME}, {_BLOCK}, {_EVENT}, {_ROOM}, {_START}, {_START} + interval '2 minutes',
 n + 1, 1000, 0, 0, 'open', true FROM generate_series(0, 9999) n""",
    f"""INSERT INTO participants (id, programme_id, display_name, first_name, last_name)
 SELECT {_PERSON}, {_PROGRAMME}, 'Visitor ' || n, 'Visitor', n::text FROM generate_series(0, {PEOPLE - 1}) n""",
    f"""INSERT INTO slot_reservations (id, programme_id, slot_id, event_id, location_id, time_block_id, claim, spots,
 reserved_at, placement_version, version, participant_id)
 SELECT {_id("0015", "n")}, {_PROGRAMME}, {_SLOT}, {_EVENT}, {_ROOM}, {_BLOCK}, 'reserved', 1, now(), 1, 1, {_PERSON}
 FROM generate_series(0, {CLAIMS - 1}) n""",
    f"""INSERT INTO reservation_members (id, programme_id, reservation_id, participant_id, slot_id, start_time,
 end_time, live, waived)
 SELECT {_id("0016", "n")}, {_PROGRAMME}, {_id("0015", "n")}, {_PERSON}, s.id, s.start_time, s.end_time,
 true, false FROM generate_series(0, {CLAIMS - 1}) n JOIN event_slots s ON s.id = {_SLOT}""",
    f"""INSERT INTO commands (id, programme_id, principal, actor, kind, v, args, hash, status, details, effects,
 touched)
 SELECT {_id("0015", "n")}, {_PROGRAMME}, 'public', 'public', 'reservation.reserve', 1, '{reference.ARGS}',
 '\\x00112233445566778899aabbccddeeff', 'applied', '{reference.DETAILS}', '{reference.EFFECTS}',
 ARRAY[{_id("0015", "n")}, {_id("0016", "n")}, {_PERSON}, {_SLOT}] FROM generate_series(0, {LEDGER - 1}) n""",
    reference.RECOUNT,
)  # fmt: skip


@dataclass(slots=True)
class House:
    """One database with its server, and what has not been used up there."""

    url: str
    base: str
    token: str
    people: Supply
    claims: Supply

    def measure(self, seconds: float) -> tuple[Found, Found]:
        """One round of reserving and one of checking in."""
        return (
            reserve.measure(self.url, self.base, CLIENTS, 10_000, seconds, self.people, rounds=1),
            checkin.measure(self.url, self.base, self.token, CLIENTS, seconds, self.claims, rounds=1),
        )


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark."""
    empty: tuple[Found, Found] = ({}, {})
    full: tuple[Found, Found] = ({}, {})
    with contextlib.ExitStack() as stack:
        houses = [_house(stack, seconds, loaded=loaded) for loaded in (False, True)]
        for number in range(TURNS):
            turns = [(houses[0], empty), (houses[1], full)]
            for house, found in turns if number % 2 == 0 else reversed(turns):
                for sum_, part in zip(found, house.measure(seconds), strict=True):
                    for name, runs in part.items():
                        sum_.setdefault(name, []).extend(runs)
        for house in houses:
            asyncio.run(reserve.check(house.url))
            asyncio.run(checkin.check(house.url))
    rows: list[Row] = []
    for bench, before, after in zip(("reserve", "checkin"), empty, full, strict=True):
        rows += _rows(bench, before, after)
    return rows


def _house(stack: contextlib.ExitStack, seconds: float, *, loaded: bool) -> House:
    count = 3 * TURNS * rows_for(CLIENTS, seconds)
    database = stack.enter_context(postgres())
    asyncio.run(reserve.prepare(database.dsn, count + reserve.WARMING))
    asyncio.run(checkin.prepare(database.dsn, count + checkin.WARMING, seed=False))
    if loaded:
        began = time.monotonic()
        asyncio.run(fill(database.dsn, *((statement, ()) for statement in LOADING)))
        asyncio.run(settle(database.dsn))
        asyncio.run(_consistent(database.dsn))
        print(f"flat: loaded {CLAIMS:,} reservations and {LEDGER:,} commands in {time.monotonic() - began:.0f} s")
    base = stack.enter_context(api(database.dsn, reserve.WORKERS, {"CALLBOARD_ROOT_TOKEN": ROOT_TOKEN}))
    token = enrol(base, "Desk").token
    house = House(database.dsn, base, token, Supply(0, count + reserve.WARMING), Supply(0, count + checkin.WARMING))
    reserve.warm(base, house.people)
    checkin.warm(base, token, house.claims)
    return house


async def _consistent(url: str) -> None:
    """What was loaded without triggers must be as if they had run."""
    connection = await asyncpg.connect(url)
    try:
        double = await connection.fetchval(
            "SELECT count(*) FROM (SELECT 1 FROM reservation_members WHERE live GROUP BY participant_id, start_time"
            " HAVING count(*) > 1) d"
        )
        strange = await connection.fetchval(
            "SELECT count(*) FROM slot_reservations r LEFT JOIN event_slots s ON s.id = r.slot_id"
            " AND (s.time_block_id, s.event_id, s.programme_id) = (r.time_block_id, r.event_id, r.programme_id)"
            " LEFT JOIN participants p ON p.id = r.participant_id AND p.programme_id = r.programme_id"
            " WHERE s.id IS NULL OR p.id IS NULL"
        )
    finally:
        await connection.close()
    if double or strange:
        raise RuntimeError(f"{double} people are in two places at once, {strange} claims are not of their programme")


def _rows(bench: str, before: Found, after: Found) -> list[Row]:
    """Throughput and ratios of both houses, and how much the ratio differs."""
    rows = []
    ratios: dict[str, list[float]] = {}
    for name, found in (("empty", before), ("full", after)):
        ours, reference_rate = per_second(found, "ours"), per_second(found, "statements")
        ratios[name] = [mine / theirs for mine, theirs in zip(ours, reference_rate, strict=True)]
        rows.append(compared("flat", f"{bench}, {name}, to statements", ours, "/s", reference_rate))
    rows.append(
        compared("flat", f"{bench}, full to empty, throughput", per_second(after, "ours"), "/s",
                 per_second(before, "ours"))
    )  # fmt: skip
    rows.append(steady("flat", f"{bench}, how the ratio to statements changed", ratios["empty"], ratios["full"], MOST))
    return rows
