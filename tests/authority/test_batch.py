"""Commands, end to end: verdicts, rows, ledger; the same command twice; many at once."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import pytest

from server_sync.authority import refs
from server_sync.authority.principal import Principal
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import derived_id, new_id, read_ref
from tests.authority.centre import NOON, ROOT, centre, code, envelope, ok


async def test_a_day_from_nothing(database_url: str) -> None:
    async with centre(database_url) as c:
        one, two = await c.slots(2, capacity=2)
        zoe, ann = await c.people(2)
        answer = ok(await c.reserve(one, zoe, ann))
        assert answer["spots"] == 2
        assert read_ref(answer["ref"]) == answer["ref"]
        id = answer["reservation_id"]
        assert await c.counts(one) == (2, 2)
        assert code(await c.reserve(one, zoe)) == "ALREADY_RESERVED"
        ok(await c.submit("reservation.move", {"reservation_id": id, "slot_id": two}))
        assert (await c.counts(one), await c.counts(two)) == ((0, 0), (2, 2))
        arrived = new_id()
        ok(await c.submit("attendance.arrive", {"reservation_id": id}, id=arrived))
        ok(await c.submit("attendance.undo", {"command_id": arrived}))
        ok(await c.submit("attendance.no_show", {"reservation_id": id, "participant_ids": [zoe]}))
        ok(await c.submit("attendance.perform", {"reservation_id": id, "participant_ids": [ann]}))
        flag = await c.sql.fetchval("SELECT id::text FROM flags WHERE reason = 'performed_without_arrival'")
        ok(await c.submit("flag.resolve", {"flag_id": flag}))
        assert code(await c.submit("flag.resolve", {"flag_id": flag})) == "ALREADY_RESOLVED"
        ok(await c.submit("reservation.cancel", {"reservation_id": id}))
        assert await c.counts(two) == (0, 0)
        room = await c.sql.fetchval("SELECT location_id::text FROM event_slots WHERE id = $1", one)
        delay = {"location_id": room, "day": NOON.date(), "delay_minutes": 7}
        ok(await c.submit("room_day.delay", delay))
        ok(await c.submit("room_day.delay", {**delay, "delay_minutes": 0}))
        ok(await c.submit("staff.create", {"name": "Bea", "role": "volunteer", "token_id": new_id()}))
        desk = await c.desk()
        ok(await c.submit("device.revoke", {"device_id": desk.principal.device_id}))
        facts = await c.sql.fetch("SELECT kind, count(*) FROM attendance GROUP BY kind")
        assert dict(facts) == {"arrived": 2, "undone": 2, "no_show": 1, "performed": 1}
        statuses = await c.sql.fetch("SELECT status, count(*) FROM commands GROUP BY status")
        assert dict(statuses)["rejected"] == 2


async def test_the_same_command_acts_once(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        (slot,) = await c.slots(capacity=5)
        (zoe,) = await c.people(1)
        command = envelope("reservation.reserve", {"slot_id": slot, "participant_ids": [zoe]})
        asked = [c.authorities[n % 2].submit(ROOT, command, c.programme) for n in range(20)]
        answers = [ok(result) for result in await asyncio.gather(*asked)]
        again = ok(await c.authority.submit(ROOT, command, c.programme))
        assert all(answer == again for answer in answers)
        assert await c.counts(slot) == (1, 1)
        respelled = msgspec.structs.replace(
            command, args=msgspec.Raw(b'{ "participant_ids": ["%s"], "slot_id": "%s" }' % (zoe.encode(), slot.encode()))
        )
        assert ok(await c.authority.submit(ROOT, respelled, c.programme)) == again, "spacing and order say nothing"


async def test_a_refusal_is_remembered_too(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots()
        zoe, ann = await c.people(2)
        taken = ok(await c.reserve(slot, zoe))["reservation_id"]
        command = envelope("reservation.reserve", {"slot_id": slot, "participant_ids": [ann]})
        assert code(await c.authority.submit(ROOT, command, c.programme)) == "SLOT_FULL"
        ok(await c.submit("reservation.cancel", {"reservation_id": taken}))
        assert code(await c.authority.submit(ROOT, command, c.programme)) == "SLOT_FULL"
        ok(await c.reserve(slot, ann))


@pytest.mark.parametrize("at_once", [False, True])
async def test_an_id_used_for_another_request(database_url: str, at_once: bool) -> None:
    other_caller = Principal("staff:bea", "Bea", "admin")
    async with centre(database_url) as c:
        slots = await c.slots(2)
        one, other = (envelope("reservation.reserve", {"slot_id": s, "reserved_name": "A"}) for s in slots)
        other = msgspec.structs.replace(other, id=one.id)
        asks = [(ROOT, one), (ROOT, other), (other_caller, one)]
        if at_once:
            async with c.held(slots[0]):  # while the first waits, the others gather and share its successor's batch
                blocker = asyncio.create_task(c.reserve(slots[0], *await c.people(1)))
                await c.waiting_backends()
                tasks = [asyncio.create_task(c.authority.submit(who, what, c.programme)) for who, what in asks]
                await asyncio.sleep(0.05)
            ok(await blocker)
            said = [code(await task) for task in tasks]
            assert said.count("KEY_REUSED") == 2, "one of them was first"
            return
        results = [await c.authority.submit(who, what, c.programme) for who, what in asks]
        ok(results[0])
        assert [code(result) for result in results[1:]] == ["KEY_REUSED", "KEY_REUSED"]
        assert all(isinstance(result, Refusal) for result in results[1:]), "no verdict is stored"
        assert await c.counts(slots[1]) == (0, 0)


async def test_an_id_chosen_badly_overwrites_nobody(database_url: str) -> None:
    """A row that no command's id names (a generated slot, an imported claim) can't be taken over by naming it."""
    async with centre(database_url) as c:
        one, two = await c.slots(2, capacity=3)
        zoe, ann = await c.people(2)
        first = ok(await c.reserve(one, zoe))["reservation_id"]
        await c.sql.execute("ALTER TABLE commands DISABLE TRIGGER ALL")
        await c.sql.execute("DELETE FROM commands WHERE id = $1", first)
        stolen = envelope("reservation.reserve", {"slot_id": two, "participant_ids": [ann]}, id=first)
        arrive = envelope("attendance.arrive", {"reservation_id": first})
        async with c.held(two):
            blocker = asyncio.create_task(c.reserve(two, *await c.people(1)))
            await c.waiting_backends()
            tasks = [asyncio.create_task(c.authority.submit(ROOT, e, c.programme)) for e in (arrive, stolen)]
            await asyncio.sleep(0.05)
        ok(await blocker)
        assert [code(await task) for task in tasks] == ["applied", "ALREADY_EXISTS"]
        assert await c.sql.fetchval("SELECT participant_id::text FROM slot_reservations WHERE id = $1", first) == zoe
        assert await c.counts(two) == (1, 1)


async def test_what_never_became_a_command_leaves_no_trace(database_url: str) -> None:
    async with centre(database_url) as c:
        before = await c.sql.fetchval("SELECT count(*) FROM commands")
        public = Principal("public", "public", "public")
        assert code(await c.submit("reservation.reserve", {"slot_id": "x"})) == "INVALID"
        assert code(await c.submit("event.create", {"name": "A"}, principal=public)) == "NOT_ALLOWED"
        assert code(await c.submit("event.paint", {})) == "UNKNOWN_KIND"
        assert code(await c.submit("event.create", {"name": "A"}, v=2)) == "UNKNOWN_KIND"
        elsewhere = Principal("staff:bea", "Bea", "admin", new_id())
        assert code(await c.submit("event.create", {"name": "A"}, principal=elsewhere)) == "NOT_ALLOWED"
        for nowhere in (None, "x", "../etc"):
            result = await c.authority.submit(ROOT, envelope("event.create", {"name": "A"}), nowhere)
            assert code(result) == "INVALID"
        assert await c.sql.fetchval("SELECT count(*) FROM commands") == before


async def test_an_unknown_programme_is_a_verdict(database_url: str) -> None:
    async with centre(database_url) as c:
        command = envelope("event.create", {"name": "A"})
        assert code(await c.authority.submit(ROOT, command, new_id())) == "NOT_FOUND"
        assert code(await c.authority.submit(ROOT, command, new_id())) == "NOT_FOUND"


async def test_texts_of_all_kinds_come_back_as_they_went(database_url: str) -> None:
    async with centre(database_url) as c:
        texts = ["Zoë", "李小龍", "עברית", "🎻", "O'Neill\"; --", "\\u0000", "tab\there", "e\u0301", "a\u2028b"]
        ids = [await c.create("participant", display_name=t, metadata={t: [t, 1e300, 10**30, None]}) for t in texts]
        rows = await c.sql.fetch("SELECT id::text, display_name FROM participants")
        assert dict(rows) == dict(zip(ids, texts, strict=True))


async def test_refs_are_given_once_by_two_processes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refs, "LOT", 3)
    async with centre(database_url, 2, lanes=2) as c:
        for record in refs.SEQUENCES.values():
            await c.sql.execute(f"ALTER SEQUENCE {record} INCREMENT BY 3")
        (slot,) = await c.slots(capacity=200)
        results = await asyncio.gather(
            *(
                c.submit("reservation.reserve", {"slot_id": slot, "reserved_name": f"N{n}"}, at=n % 2)
                for n in range(100)
            ),
            *(c.submit("group.create", {"name": f"G{n}"}, at=n % 2) for n in range(20)),
        )
        given = [ok(result)["ref"] for result in results]
        assert len(set(given)) == 120
        stored = await c.sql.fetch("SELECT ref FROM slot_reservations UNION ALL SELECT ref FROM groups")
        assert sorted(row[0] for row in stored) == sorted(given)


async def test_many_at_once_each_get_their_own_answer(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        slots = await c.slots(20, capacity=10)
        people = await c.people(100)
        results = await asyncio.gather(*(c.reserve(slots[n % 20], person, at=n % 2) for n, person in enumerate(people)))
        for n, result in enumerate(results):
            assert ok(result)["slot_id"] == slots[n % 20]
        rows = await c.sql.fetch("SELECT participant_id::text, slot_id::text FROM slot_reservations")
        assert dict(rows) == {person: slots[n % 20] for n, person in enumerate(people)}


async def test_one_batch_that_releases_limits_and_claims(database_url: str) -> None:
    """What commands do to each other's rows within one transaction comes out as if they had come one by one."""
    async with centre(database_url) as c:
        event = await c.create("event", name="Limited", capacity=4)
        slots = await c.slots(3, capacity=2, event=event, max_capacity=3)
        block = await c.sql.fetchval("SELECT time_block_id::text FROM event_slots WHERE id = $1", slots[0])
        people = await c.people(8)
        first = [ok(await c.reserve(slots[n % 2], people[n]))["reservation_id"] for n in range(3)]
        moved = envelope("reservation.reserve", {"slot_id": slots[2], "participant_ids": [people[4]]})
        batch = [
            envelope("reservation.cancel", {"reservation_id": first[0]}),
            envelope("reservation.reserve", {"slot_id": slots[0], "participant_ids": [people[3]]}),
            envelope("reservation.cancel", {"reservation_id": first[1]}),
            moved,
            envelope("slot.update", {"slot_id": slots[0], "capacity": 3}),
            envelope("reservation.move", {"reservation_id": moved.id, "slot_id": slots[0]}),
            envelope("reservation.reserve", {"slot_id": slots[0], "participant_ids": [people[5]]}),
            envelope("reservation.cancel", {"reservation_id": moved.id}),
            envelope("reservation.reserve", {"slot_id": slots[0], "participant_ids": [people[6]]}),
        ]
        async with c.held(slots[0]):
            blocker = asyncio.create_task(c.reserve(slots[0], people[7]))
            await c.waiting_backends()
            tasks = [asyncio.create_task(c.authority.submit(ROOT, e, c.programme)) for e in batch]
            await asyncio.sleep(0.05)
        assert code(await blocker) == "SLOT_FULL"
        verdicts = [code(await task) for task in tasks]
        assert verdicts == ["applied"] * 6 + ["SLOT_FULL", "applied", "applied"]
        assert [await c.counts(slot) for slot in slots] == [(3, 3), (0, 0), (0, 0)]
        assert await c.sql.fetchval("SELECT reserved_count FROM event_time_blocks WHERE id = $1", block) == 3
        assert await c.sql.fetchval("SELECT reserved_count FROM events WHERE id = $1", event) == 3


async def test_slots_made_and_taken_in_one_push(database_url: str) -> None:
    """A rule may need what an earlier command of its own run has just made: it is decided in the next round."""
    async with centre(database_url) as c:
        desk = await c.desk()
        event, room = await c.create("event", name="A"), await c.create("location", name="B")
        people = await c.people(12)
        queued = []
        for n, person in enumerate(people):
            times = {"start_time": NOON.replace(hour=n), "end_time": NOON.replace(hour=n, minute=30)}
            block = desk.queue("block.create", {"event_id": event, "location_id": room, **times})
            slot = derived_id(block.id, 1)
            reserve = desk.queue("reservation.reserve", {"slot_id": slot, "participant_ids": [person]})
            queued += [block, reserve, desk.queue("attendance.arrive", {"reservation_id": reserve.id})]
        reply = await desk.push(*queued)
        assert (reply.stop, reply.next_seq, len(reply.results)) == (None, 37, 36)
        assert {result.status for result in reply.results} == {"applied"}
        assert await c.sql.fetchval("SELECT sum(reserved_count) FROM event_slots") == 12


async def test_no_table_is_read_whole_though_plans_are_made_while_it_is_empty(database_url: str) -> None:
    """A plan is kept as long as the connection: one made on the first morning would read all of it in the evening."""
    async with centre(database_url) as c:
        one, two = await c.slots(2, capacity=2)
        zoe, ann = await c.people(2)
        id = ok(await c.reserve(one, zoe, ann))["reservation_id"]
        ok(await c.submit("reservation.move", {"reservation_id": id, "slot_id": two}))
        ok(await c.submit("attendance.arrive", {"reservation_id": id}))
        ok(await c.submit("reservation.cancel", {"reservation_id": id}))
    connection = await asyncpg.connect(database_url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    try:
        while await connection.fetchval(others):  # a session tells what it read when it ends
            await connection.execute("SELECT pg_sleep(0.01)")
        told = await connection.fetch("SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables")
    finally:
        await connection.close()
    looked_up = {name for name, _, by_index in told if by_index}
    assert looked_up >= {"event_slots", "slot_reservations", "reservation_members", "participants", "commands"}
    assert {name: whole for name, whole, _ in told if whole} == {}
