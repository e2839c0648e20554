"""The ledger: what each command did, exactly; read back, it gives the tables."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from server_sync.authority.ledger import command_hash, storable
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import TABLES, columns
from tests.authority.centre import NOON, Centre, centre, code, envelope, ok

SEED = 20260502
COUNTED = ("reserved_count", "overbooked_count")


Rows = dict[tuple[str, Id], dict[str, Any]]


async def replayed(c: Centre) -> Rows:
    """Every row as the effects in the ledger leave it.

    One authority's batches come by transaction; within one, the next command is one that finds what it says it found.
    """
    rows: Rows = {}
    batches: dict[str, list[Any]] = defaultdict(list)
    for xid, effects in await c.sql.fetch(
        "SELECT last_xid::text, effects::text FROM commands WHERE effects IS NOT NULL ORDER BY last_xid"
    ):
        batches[xid].append(msgspec.json.decode(effects))
    for waiting in batches.values():
        while waiting:
            ready = next((effects for effects in waiting if finds_what_it_says(rows, effects)), None)
            assert ready is not None, "no command left finds the rows as it says it found them"
            waiting.remove(ready)
            for table, id, before, after in ready:
                row = {**rows.get((table, id), {}), **after}
                assert before is None or before.keys() == after.keys()
                rows[table, id] = {name: value for name, value in row.items() if value is not None}
    return rows


def finds_what_it_says(rows: Rows, effects: list[Any]) -> bool:
    """Whether every row is as the command found it; counts aside, which other commands' claims change."""
    for table, id, before, _ in effects:
        row = rows.get((table, id))
        if (row is None) != (before is None):
            return False
        if row is not None and any(row.get(name) != before[name] for name in before if name not in COUNTED):
            return False
    return True


async def stored(c: Centre) -> dict[tuple[str, Id], msgspec.Struct]:
    """Every row in the tables."""
    rows: dict[tuple[str, Id], msgspec.Struct] = {}
    for table, record in TABLES.items():
        names = ", ".join(columns(record))
        text = await c.sql.fetchval(f"SELECT json_agg(x)::text FROM (SELECT {names} FROM {table}) x")
        for row in msgspec.json.decode(text or "[]"):
            rows[table, row["id"]] = msgspec.convert(row, record)
    return rows


def without_counts(row: msgspec.Struct) -> msgspec.Struct:
    """Counts follow from the claims, and are no command's doing."""
    counted = {name: 0 for name in COUNTED if hasattr(row, name)}
    return msgspec.structs.replace(row, **counted)


async def any_day(c: Centre, dice: random.Random, waves: int) -> Counter[str]:
    """Commands in waves of thirty at once, many about the same slots and people."""
    event = await c.create("event", name="Limited", capacity=12)
    slots = [*await c.slots(4, capacity=3, max_capacity=8, event=event), *await c.slots(4, capacity=2)]
    people, claims, said = await c.people(12), [new_id()], [new_id()]
    room, block = await c.sql.fetchrow(
        "SELECT location_id::text, time_block_id::text FROM event_slots WHERE id = $1", slots[0]
    )
    choices: dict[str, Callable[[], dict[str, Any]]] = {
        "reservation.reserve": lambda: {
            "slot_id": dice.choice(slots),
            "participant_ids": dice.sample(people, dice.randint(1, 2)),
        },
        "reservation.cancel": lambda: {"reservation_id": dice.choice(claims)},
        "reservation.move": lambda: {"reservation_id": dice.choice(claims), "slot_id": dice.choice(slots)},
        "attendance.arrive": lambda: {"reservation_id": dice.choice(claims)},
        "attendance.no_show": lambda: {"reservation_id": dice.choice(claims)},
        "attendance.undo": lambda: {"command_id": dice.choice(said)},
        "room_day.delay": lambda: {"location_id": room, "day": NOON.date(), "delay_minutes": dice.randint(0, 9)},
        "block.generate_slots": lambda: {
            "block_id": block,
            "slot_duration_minutes": dice.choice([10, 20]),
            "capacity": 3,
        },
    }
    verdicts: Counter[str] = Counter()
    for _ in range(waves):
        kinds = dice.choices(list(choices), [8, 3, 5, 4, 2, 3, 1, 1], k=30)
        wave = [envelope(kind, choices[kind]()) for kind in kinds]
        results = await asyncio.gather(*(c.submit(e.kind, msgspec.json.decode(e.args), id=e.id) for e in wave))
        done = [e for e, result in zip(wave, results, strict=True) if code(result) == "applied"]
        claims += [e.id for e in done if e.kind == "reservation.reserve"]
        said += [e.id for e in done if e.kind.startswith("attendance")]
        verdicts.update(f"{e.kind} {code(result)}" for e, result in zip(wave, results, strict=True))
    return verdicts


async def test_the_ledger_read_back_gives_the_tables(database_url: str) -> None:
    print(f"seed {SEED}")
    async with centre(database_url) as c:
        verdicts = await any_day(c, random.Random(SEED), 20)
        print(dict(verdicts))
        assert len({verdict.split()[0] for verdict in verdicts if verdict.endswith("applied")}) == 8
        tables, ledger = await stored(c), await replayed(c)
        assert ledger.keys() == tables.keys()
        for (table, id), row in ledger.items():
            told = msgspec.convert(row, TABLES[table])
            assert without_counts(told) == without_counts(tables[table, id])
        for slot in (id for table, id in tables if table == "event_slots"):
            counted, held = await c.counts(slot)
            assert counted == held


async def test_what_a_row_of_the_ledger_says(database_url: str) -> None:
    async with centre(database_url) as c:
        one, two = await c.slots(2)
        (zoe,) = await c.people(1)
        id = ok(await c.reserve(one, zoe))["reservation_id"]
        moved = new_id()
        happened = NOON.astimezone(timezone(timedelta(hours=2)))
        args = {"reservation_id": id, "slot_id": two}
        ok(await c.submit("reservation.move", args, id=moved, actor="Bea", occurred_at=happened))
        row = await c.sql.fetchrow("SELECT * FROM commands WHERE id = $1", moved)
        assert (row["kind"], row["status"], row["code"], row["v"]) == ("reservation.move", "applied", None, 1)
        assert (row["principal"], row["actor"], str(row["programme_id"])) == ("root", "Bea", c.programme)
        assert (row["device_id"], row["seq"], row["incarnation"]) == (None, None, None)
        assert row["occurred_at"] == NOON
        assert msgspec.json.decode(row["args"]) == args
        assert msgspec.json.decode(row["details"])["slot_id"] == two
        claim, member = msgspec.json.decode(row["effects"])
        assert claim == [
            "slot_reservations",
            id,
            {"slot_id": one, "placement_version": 1, "version": 1},
            {"slot_id": two, "placement_version": 2, "version": 2},
        ]
        assert member[0] == "reservation_members"
        assert set(member[2]) == {"slot_id", "start_time", "end_time"}
        refused = new_id()
        assert code(await c.submit("reservation.move", args, id=refused)) == "SAME_SLOT"
        row = await c.sql.fetchrow("SELECT status, code, effects FROM commands WHERE id = $1", refused)
        assert tuple(row) == ("rejected", "SAME_SLOT", None)


def said(raw: bytes, **how: Any) -> str:
    return command_hash(Envelope(**{"id": new_id(), "kind": "k", **how}, args=msgspec.Raw(raw)))


def test_a_hash_tells_what_was_asked_and_not_how_it_was_spelt() -> None:
    same = said(b'{"a": 1, "b": ["\\u00e9"]}')
    assert same == said('{"b":["é"],"a":1}'.encode())
    assert same == said(b'{"a":1,"b":["\\u00e9"]}', actor="Bea", seq=4, depends_on=[new_id()])
    assert len(same) == 2 + 32
    for other in (said(b'{"a":2,"b":["\\u00e9"]}'), said(b'{"a":1,"b":["\\u00e9"]}', kind="l"), said(b"{}")):
        assert other != same
    at = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
    z, plus = (
        msgspec.json.decode(f'"{text}"'.encode(), type=datetime)
        for text in ("2026-05-02T12:00:00Z", "2026-05-02T12:00:00+00:00")
    )
    assert said(b"{}", occurred_at=at) == said(b"{}", occurred_at=z) == said(b"{}", occurred_at=plus)
    assert said(b"{}", occurred_at=at) != said(b"{}")


def test_a_hash_does_not_change_with_a_release() -> None:
    """A desk may send again next year what it queued today."""
    command = Envelope(
        id=new_id(),
        kind="reservation.move",
        args=msgspec.Raw(b'{"slot_id":"a","n":1.5,"list":[1,null,true]}'),
        occurred_at=datetime(2026, 5, 2, 12, 0, 0, 250_000, tzinfo=UTC),
    )
    assert command_hash(command) == "\\xf2673815db472ca425b1feafb6b274e8"


@pytest.mark.parametrize(
    "raw", [b"", b'{"a": "\xff"}', b'{"a":', b"[" * 50_000 + b"]" * 50_000, b'"\\ud800"', b"1e999", b"null"]
)
def test_what_is_no_json_is_kept_as_a_text_that_shows_it(raw: bytes) -> None:
    said(raw)
    assert isinstance(msgspec.json.decode(storable(msgspec.Raw(raw))), str)


def test_nul_is_kept_in_a_form_that_can_be_stored() -> None:
    assert msgspec.json.decode(storable(msgspec.Raw(b'{"a":"x\\u0000y"}'))) == {"a": "x\ufffdy"}
    assert bytes(storable(msgspec.Raw(b'{ "a": "\\\\u0001" }'))) == b'{ "a": "\\\\u0001" }'
