"""The audit trail on real Postgres: what any row's entries are, in which order, and how they read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from server_sync.authority.queries import audit
from server_sync.authority.queries.audit import AuditEntry, Which
from server_sync.authority.queries.engine import Reads
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id, new_id
from tests.authority.centre import NOON, ROOT, Centre, centre, code, envelope, ok
from tests.authority.test_import import bring, demo


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Centre]:
    """An authority."""
    async with centre(database_url) as made:
        yield made


@pytest.fixture
async def reads(database_url: str) -> AsyncIterator[Reads]:
    """The pool that reads run on."""
    reads = Reads.open(database_url)
    yield reads
    await reads.close()


async def trail(reads: Reads, programme: Id | None, limit: int = 100, **which: Any) -> list[AuditEntry]:
    """The entries, oldest first, page by page."""
    found: list[AuditEntry] = []
    after = None
    while True:
        page = await audit.trail(reads, programme, Which(**which), order="oldest", limit=limit, after=after)
        assert not isinstance(page, Refusal), page
        found += page.rows
        after = page.next
        if after is None:
            return found


async def told(reads: Reads, here: Centre, row: Id) -> list[str]:
    """The history in words, without the times."""
    page = await audit.history(reads, here.programme, row, order="oldest", limit=100, after=None)
    assert not isinstance(page, Refusal), page
    return [entry.words[6:] for entry in page.rows]


async def test_who_what_before_and_after(here: Centre, reads: Reads) -> None:
    desk = await here.desk("Desk 2")
    first, second = await here.slots(2)
    (ada,) = await here.people(1)
    reserve = desk.queue("reservation.reserve", {"slot_id": first, "participant_ids": [ada]}, actor="Grace")
    move = desk.queue("reservation.move", {"reservation_id": reserve.id, "slot_id": second})
    await desk.push(reserve, move)
    made, moved = await trail(reads, here.programme, row=reserve.id)
    assert (made.id, made.kind, made.actor, made.device, made.principal) == (
        reserve.id, "reservation.reserve", "Grace", "Desk 2", f"device:{desk.principal.device_id}",
    )  # fmt: skip
    assert made.args == {"slot_id": first, "participant_ids": [ada]}
    assert (made.status, made.occurred_at, made.code) == ("applied", NOON, None)
    assert abs(made.received_at - datetime.now(UTC)) < timedelta(minutes=1)
    (claim,) = [change for change in made.changes if change.table == "slot_reservations"]
    assert (claim.new, claim.id, claim.name) == (True, reserve.id, "Person 0")
    assert {"column": "spots", "before": None, "after": 1} in [
        {"column": column.column, "before": column.before, "after": column.after} for column in claim.columns
    ]
    (claim,) = [change for change in moved.changes if change.table == "slot_reservations"]
    values = {column.column: (column.before, column.after) for column in claim.columns}
    assert not claim.new
    assert values["slot_id"] == (first, second)
    assert values["version"] == (1, 2)
    assert moved.rows_changed == len(moved.changes) > 1
    assert moved.actor == "Desk 2"


async def test_a_row_is_found_by_all_that_happened_to_it(here: Centre, reads: Reads) -> None:
    first, second, third = await here.slots(3)
    ada, ben = await here.people(2)
    claim = ok(await here.reserve(first, ada))["reservation_id"]
    assert code(await here.reserve(first, ben)) == "SLOT_FULL"
    ok(await here.submit("reservation.move", {"reservation_id": claim, "slot_id": second}))
    arrived = envelope("attendance.arrive", {"reservation_id": claim})
    await here.authority.submit(ROOT, arrived, here.programme)
    ok(await here.submit("attendance.undo", {"command_id": arrived.id}))
    ok(await here.submit("reservation.cancel", {"reservation_id": claim, "reason": "ill"}))

    async def kinds(row: Id, **more: Any) -> list[str]:
        return [entry.kind.rpartition(".")[2] for entry in await trail(reads, here.programme, row=row, **more)]

    assert await kinds(claim) == ["reserve", "move", "arrive", "undo", "cancel"]
    assert await kinds(ada) == ["create", "reserve", "move", "arrive", "undo", "cancel"]
    assert await kinds(ben) == ["create", "reserve"], "what was refused is found too"
    assert await kinds(first) == ["generate_slots", "reserve", "reserve", "move"]
    assert await kinds(second) == ["generate_slots", "move", "arrive", "undo", "cancel"]
    assert await kinds(third) == ["generate_slots"]
    assert await kinds(new_id()) == []
    assert await kinds(first, status="rejected") == ["reserve"]
    assert await kinds(ada, limit=1) == await kinds(ada)


async def test_a_history_in_words(here: Centre, reads: Reads) -> None:
    first, second = await here.slots(2)
    (ada,) = await here.people(1)
    claim = ok(await here.reserve(first, ada))["reservation_id"]
    ok(await here.submit("reservation.move", {"reservation_id": claim, "slot_id": second}))
    arrived = envelope("attendance.arrive", {"reservation_id": claim})
    await here.authority.submit(ROOT, arrived, here.programme)
    ok(await here.submit("attendance.undo", {"command_id": arrived.id}))
    assert code(await here.submit("reservation.move", {"reservation_id": claim, "slot_id": second})) == "SAME_SLOT"
    ok(await here.submit("reservation.cancel", {"reservation_id": claim, "reason": "ill"}))
    one, two = "Piano solo Sat 2 May 12:00 (Great Hall)", "Sat 2 May 12:10 (Great Hall)"
    assert await told(reads, here, claim) == [
        f"The organiser reserved {one} for Person 0",
        f"The organiser moved Person 0 from {one} to {two}",
        "The organiser checked in Person 0",
        "The organiser undid the check-in of Person 0",
        f"The organiser asked to move Person 0 to Piano solo {two}: refused, the reservation is in that slot already",
        f"The organiser cancelled the reservation of Person 0 in Piano solo {two} (reason: ill)",
    ]
    assert (await told(reads, here, ada))[0] == "The organiser added Person 0"


async def test_who_waited_is_told_whose_place_it_was(here: Centre, reads: Reads) -> None:
    event = await here.create("event", name="Piano solo", waitlist_enabled=True)
    (slot,) = await here.slots(1, event=event)
    ada, ben = await here.people(2)
    first = ok(await here.reserve(slot, ada))["reservation_id"]
    wait = {"slot_id": slot, "participant_ids": [ben], "on_full": "waitlist"}
    waiting = ok(await here.submit("reservation.reserve", wait))["reservation_id"]
    ok(await here.submit("reservation.cancel", {"reservation_id": first}))
    place = "Piano solo Sat 2 May 12:00 (Great Hall)"
    assert await told(reads, here, waiting) == [
        f"The organiser put Person 1 on the waitlist of {place}",
        f"Person 1 was promoted from the waitlist when the organiser cancelled the reservation of Person 0 in {place}",
    ]
    assert (await told(reads, here, slot))[-1].endswith("; Person 1 was promoted from the waitlist")


async def test_the_history_of_somebody_forgotten_names_nobody(here: Centre, reads: Reads) -> None:
    (slot,) = await here.slots(1)
    zoe = await here.create("participant", display_name="Zoë Ferrante", contact="zoe@example.org")
    claim = ok(await here.reserve(slot, zoe))["reservation_id"]
    ok(await here.submit("participant.erase", {"participant_id": zoe, "reason": "she asked"}))
    assert "what was known of a person (reason: she asked)" in (await told(reads, here, zoe))[-1]
    for row in (zoe, slot, claim):
        words = " ".join(await told(reads, here, row))
        assert "Erased person" in words
        assert "Ferrante" not in words
        shown = msgspec.json.encode(await trail(reads, here.programme, row=row)).decode()
        assert "Ferrante" not in shown
        assert "example.org" not in shown


async def test_filters(here: Centre, reads: Reads) -> None:
    desk = await here.desk("Desk 2")
    (slot,) = await here.slots(1, capacity=5)
    ok(await here.submit("reservation.reserve", {"slot_id": slot, "reserved_name": "A"}))
    for name in "BC":
        command = desk.queue("reservation.reserve", {"slot_id": slot, "reserved_name": name}, actor="Grace")
        await desk.push(command)

    async def count(**which: Any) -> int:
        return len(await trail(reads, here.programme, **which))

    assert await count(kind="reservation.reserve") == 3
    assert await count(kind="reservation.reserve", actor="Grace") == 2
    assert await count(principal=f"device:{desk.principal.device_id}") == 2
    assert await count(actor="grace") == 0
    now = datetime.now(UTC)
    assert await count(begins=now + timedelta(seconds=1)) == 0
    assert await count(kind="reservation.reserve", begins=now - timedelta(minutes=1), ends=now) == 3
    assert await count(ends=now - timedelta(minutes=1)) == 0
    everything = await trail(reads, None)
    assert [entry.number for entry in everything] == sorted(entry.number for entry in everything)
    newest = await audit.trail(reads, here.programme, Which(), order="newest", limit=2, after=None)
    assert not isinstance(newest, Refusal)
    assert [entry.id for entry in newest.rows] == [entry.id for entry in everything[:-3:-1]]
    assert newest.next is not None
    older = await audit.trail(reads, here.programme, Which(), order="newest", limit=2, after=newest.next)
    assert not isinstance(older, Refusal)
    assert [entry.id for entry in older.rows] == [entry.id for entry in everything[-3:-5:-1]]


@pytest.mark.parametrize("after", ["", "x", "!!", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
async def test_a_page_that_nobody_gave_is_refused(here: Centre, reads: Reads, after: str) -> None:
    page = await audit.trail(reads, here.programme, Which(), order="newest", limit=2, after=after)
    assert isinstance(page, Refusal)
    assert (page.code, page.details["field"]) == ("INVALID", "after")


async def test_another_programme_sees_nothing_of_it(here: Centre, reads: Reads) -> None:
    (slot,) = await here.slots(1)
    other = envelope("programme.create", {"name": "Another"})
    ok(await here.authority.submit(ROOT, other))
    assert await trail(reads, other.id, row=slot) == []
    assert [entry.kind for entry in await trail(reads, other.id)] == ["programme.create"]


async def test_an_import_shows_of_thousands_of_rows_those_that_were_asked_for(here: Centre, reads: Reads) -> None:
    answer = await bring(here, demo())
    slot = str(await here.sql.fetchval("SELECT slot_id FROM slot_reservations LIMIT 1"))
    (entry,) = await trail(reads, here.programme, row=slot)
    assert entry.args is None, "a whole file is left out"
    assert entry.rows_changed == answer["changed"] > audit.MOST_CHANGES
    assert 1 < len(entry.changes) <= audit.MOST_CHANGES
    for change in entry.changes:
        assert change.id == slot or slot in [column.after for column in change.columns], change
    assert entry.words.endswith(f"imported the file {answer['file']}: {answer['changed']} rows changed")
    (entry,) = await trail(reads, here.programme, kind="import.apply")
    assert len(entry.changes) == audit.MOST_CHANGES


async def test_the_index_finds_a_row_among_many(here: Centre, reads: Reads) -> None:
    (slot,) = await here.slots(1)
    await here.sql.execute(
        "INSERT INTO commands (id, programme_id, principal, actor, kind, v, args, hash, status, touched)"
        " SELECT gen_random_uuid(), $1, 'root', 'root', 'x.y', 1, '{}', decode(md5(n::text), 'hex'), 'applied',"
        " ARRAY[gen_random_uuid(), gen_random_uuid()] FROM generate_series(1, 20000) n",
        here.programme,
    )
    await here.sql.execute("VACUUM ANALYZE commands")
    plan = "\n".join(
        row[0]
        for row in await here.sql.fetch(
            "EXPLAIN SELECT number FROM commands WHERE touched @> ARRAY[$1::text]::uuid[] AND programme_id = $2"
            " ORDER BY number DESC LIMIT 51",
            slot, here.programme,
        )
    )  # fmt: skip
    assert "ix_commands_touched" in plan, plan
    assert [entry.kind for entry in await trail(reads, here.programme, row=slot)] == ["block.generate_slots"]
