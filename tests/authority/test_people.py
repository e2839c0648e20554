"""People at the real centre: merged, made up into groups, gone; with the database's own constraints beneath."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from server_sync.protocol.ids import Id
from tests.authority.centre import NOON, ROOT, Centre, centre, code, envelope, ok


@pytest.fixture
async def c(database_url: str) -> AsyncIterator[Centre]:
    """A centre with two authorities."""
    async with centre(database_url, 2) as made:
        yield made


async def merge(c: Centre, stays: Id, duplicate: Id, **more: object) -> str:
    """``applied`` or why not."""
    return code(await c.submit("participant.merge", {"participant_id": stays, "duplicate_id": duplicate, **more}))


async def member_ids(c: Centre, claim: Id) -> list[str]:
    """Who is in a claim."""
    rows = await c.sql.fetch(
        "SELECT participant_id::text FROM reservation_members WHERE reservation_id = $1 AND deleted IS NOT TRUE", claim
    )
    return [row[0] for row in rows]


async def test_an_external_id_changes_hands_in_whatever_order_the_rows_are_read(c: Centre) -> None:
    (bare,) = await c.people(1)  # lies before the other, so that a plan that reads the table through meets it first
    named = await c.create("participant", display_name="a", external_id="X")
    await c.people(300)
    await c.sql.execute("ANALYZE participants")
    assert await merge(c, bare, named) == "applied"
    assert await c.sql.fetchval("SELECT id::text FROM participants WHERE external_id = 'X'") == bare


async def test_two_places_in_one_slot_become_one_and_the_line_moves(c: Centre) -> None:
    event = await c.create("event", name="Show", waitlist_enabled=True)
    (slot,) = await c.slots(capacity=2, event=event)
    stays, duplicate, third = await c.people(3)
    mine = ok(await c.reserve(slot, stays))["reservation_id"]
    his = ok(await c.reserve(slot, duplicate))["reservation_id"]
    args = {"slot_id": slot, "participant_ids": [third], "on_full": "waitlist"}
    waits = ok(await c.submit("reservation.reserve", args))["reservation_id"]
    said = ok(await c.submit("attendance.arrive", {"reservation_id": his}))
    assert said["kind"] == "arrived"
    answer = ok(await c.submit("participant.merge", {"participant_id": stays, "duplicate_id": duplicate}))
    assert (answer["given_back"], answer["promoted"]) == ([his], [waits])
    assert await c.counts(slot) == (2, 2)
    assert await member_ids(c, mine) == [stays]
    facts = await c.sql.fetch("SELECT reservation_id::text, participant_id::text FROM attendance ORDER BY id")
    assert sorted(tuple(row) for row in facts) == sorted([(his, duplicate), (mine, stays)])


async def test_an_overlap_is_refused_by_rule_and_waived_past_the_constraint(c: Centre) -> None:
    (here,), (there,) = await c.slots(), await c.slots()
    stays, duplicate = await c.people(2)
    ok(await c.reserve(here, stays))
    his = ok(await c.reserve(there, duplicate))["reservation_id"]
    assert await merge(c, stays, duplicate) == "DOUBLE_BOOKED"
    assert await merge(c, stays, duplicate, waive_reason="plays in both") == "applied"
    assert await member_ids(c, his) == [stays]
    waived = await c.sql.fetchval("SELECT waived_reason FROM reservation_members WHERE reservation_id = $1", his)
    assert waived == "plays in both"


async def test_the_effects_in_the_ledger_give_the_rows(c: Centre) -> None:
    (slot,) = await c.slots(capacity=3)
    stays, duplicate, third = await c.people(3)
    ok(await c.reserve(slot, stays, duplicate, third))
    made = envelope("participant.merge", {"participant_id": stays, "duplicate_id": duplicate})
    ok(await c.authority.submit(ROOT, made, c.programme))
    text = await c.sql.fetchval("SELECT effects::text FROM commands WHERE id = $1", made.id)
    for table, id, _, after in msgspec.json.decode(text):
        row = await c.sql.fetchrow(f"SELECT row_to_json(t)::text FROM {table} t WHERE id = $1", id)
        stored = msgspec.json.decode(row[0])
        assert {name: stored[name] for name in after} == after, table
    assert await c.counts(slot) == (2, 2)


async def test_two_merges_of_one_pair_at_once(c: Centre) -> None:
    one, other = await c.people(2)
    (slot,) = await c.slots(capacity=2)
    ok(await c.reserve(slot, one))
    asked = [
        c.submit("participant.merge", {"participant_id": a, "duplicate_id": b}, at=n)
        for n, (a, b) in enumerate(((one, other), (other, one)))
    ]
    codes = sorted(code(result) for result in await asyncio.gather(*asked))
    assert codes == ["NOT_FOUND", "applied"]
    assert await c.sql.fetchval("SELECT count(*) FROM participants WHERE merged_into IS NOT NULL") == 1
    assert await c.counts(slot) == (1, 1)


async def test_who_leaves_while_somebody_reserves_for_him_holds_nothing_afterwards(c: Centre) -> None:
    slots = [slot for n in range(8) for slot in await c.slots(start=NOON + timedelta(hours=n))]
    for slot in slots:
        (who,) = await c.people(1)
        leave = {"participant_id": who, "cancel_claims": True, "reason": "left"}
        await asyncio.gather(c.reserve(slot, who), c.submit("participant.retire", leave, at=1))
    held = await c.sql.fetchval(
        "SELECT count(*) FROM reservation_members m JOIN participants p ON p.id = m.participant_id"
        " WHERE p.deleted AND m.live"
    )
    assert held == 0
    for slot in slots:
        counted, spots = await c.counts(slot)
        assert counted == spots


async def test_a_group_is_made_up_and_retired(c: Centre) -> None:
    group = await c.create("group", name="Duo")
    one, other = await c.people(2)
    ok(await c.submit("group.set_members", {"group_id": group, "participant_ids": [one, other]}))
    (slot,) = await c.slots(capacity=2)
    ok(await c.submit("reservation.reserve", {"slot_id": slot, "group_id": group}))
    assert await c.counts(slot) == (2, 2)
    assert code(await c.submit("group.retire", {"group_id": group})) == "HAS_PEOPLE"
    ok(await c.submit("group.retire", {"group_id": group, "cancel_claims": True, "reason": "dissolved"}))
    assert await c.counts(slot) == (0, 0)
    assert await c.sql.fetchval("SELECT count(*) FROM participants WHERE group_id IS NOT NULL") == 0


@pytest.mark.parametrize("duplicate_first", [False, True])
async def test_two_who_wait_for_one_slot_are_merged(database_url: str, duplicate_first: bool) -> None:
    """The one place in line that stays is given up by the one row before the other takes it."""
    async with centre(database_url) as c:
        event = await c.create("event", name="Choir", waitlist_enabled=True)
        (slot,) = await c.slots(1, event=event)
        somebody, stays, twin = await c.people(3)
        ok(await c.reserve(slot, somebody))
        for who in (twin, stays) if duplicate_first else (stays, twin):
            asked = {"slot_id": slot, "participant_ids": [who], "guests": int(who == twin), "on_full": "waitlist"}
            ok(await c.submit("reservation.reserve", asked))
        ok(await c.submit("participant.merge", {"participant_id": stays, "duplicate_id": twin}))
        waiting = await c.sql.fetch("SELECT participant_id::text FROM reservation_members WHERE waiting")
        assert [row["participant_id"] for row in waiting] == [stays]
