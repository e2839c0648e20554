"""A desk's queue: in order, each once, whatever was lost, repeated, copied or restored."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import msgspec
import pytest

from server_sync.authority.principal import Principal
from server_sync.protocol.commands import MAX_RUN, PushRequest
from server_sync.protocol.errors import INVALID, NOT_ALLOWED, Refusal
from server_sync.protocol.ids import new_id
from server_sync.rules.registry import RULES
from server_sync.rules.state import Changes
from tests.authority.centre import NOON, Centre, Desk, centre, codes, envelope, ok


async def claims(c: Centre, count: int) -> list[str]:
    """Reservations of as many people."""
    (slot,) = await c.slots(capacity=count)
    return [ok(await c.reserve(slot, person))["reservation_id"] for person in await c.people(count)]


def arrivals(desk: Desk, ids: list[str]) -> list[Any]:
    return [desk.queue("attendance.arrive", {"reservation_id": id}) for id in ids]


async def facts(c: Centre) -> int:
    count: int = await c.sql.fetchval("SELECT count(*) FROM attendance")
    return count


async def test_a_run_and_its_replay(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        desk = await c.desk()
        run = arrivals(desk, await claims(c, 5))
        first = await desk.push(*run)
        assert codes(first) == ["applied"] * 5
        assert (first.next_seq, first.stop) == (6, None)
        again = await desk.push(*run, at=1)
        assert msgspec.json.encode(again.results) == msgspec.json.encode(first.results)
        assert (again.next_seq, again.stop) == (6, None)
        assert await facts(c) == 5
        rows = await c.sql.fetch(
            "SELECT seq, incarnation, device_id::text, actor FROM commands WHERE seq > 0 ORDER BY 1"
        )
        assert [tuple(row) for row in rows] == [(n, 1, desk.principal.device_id, "Desk") for n in range(1, 6)]


async def test_the_same_run_from_two_connections_at_once(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        desk = await c.desk()
        run = arrivals(desk, await claims(c, 20))
        replies = await asyncio.gather(*(desk.push(*run[:n], at=n % 2) for n in (20, 20, 7, 13, 20)))
        assert [len(reply.results) for reply in replies] == [20, 20, 7, 13, 20]
        assert all(reply.stop is None for reply in replies)
        assert await facts(c) == 20


async def test_gap_and_fork(database_url: str) -> None:
    async with centre(database_url) as c:
        desk = await c.desk()
        one, two, three, four = arrivals(desk, await claims(c, 4))
        gap = await desk.push(one, three)
        assert (codes(gap), gap.stop, gap.next_seq) == (["applied"], "gap", 2)
        early = await desk.push(four)
        assert (codes(early), early.stop, early.next_seq) == ([], "gap", 2)
        whole = await desk.push(one, two, three)
        assert (codes(whole), whole.stop, whole.next_seq) == (["applied"] * 3, None, 4)
        copied = msgspec.structs.replace(four, id=new_id(), seq=2)
        fork = await desk.push(copied)
        assert (codes(fork), fork.stop, fork.next_seq) == ([], "fork", 4)
        other_words = msgspec.structs.replace(two, args=four.args)
        fork = await desk.push(one, other_words, three)
        assert (codes(fork), fork.stop) == (["applied"], "fork")
        unnumbered = msgspec.structs.replace(four, seq=None)
        assert (await desk.push(unnumbered)).stop == "fork"
        assert await facts(c) == 3


async def test_a_new_incarnation_begins_at_one(database_url: str) -> None:
    async with centre(database_url) as c:
        desk = await c.desk()
        ids = await claims(c, 4)
        run = arrivals(desk, ids)
        await desk.push(*run[:2])
        again = [msgspec.structs.replace(command, seq=n) for n, command in enumerate(run, 1)]
        reply = await desk.push(*again, incarnation=2)
        assert (codes(reply), reply.stop, reply.next_seq) == (["applied"] * 4, None, 5)
        assert await facts(c) == 4
        late = await desk.push(msgspec.structs.replace(run[0], id=new_id(), seq=3), incarnation=1)
        assert (late.stop, late.next_seq) == ("fork", 5), "the old incarnation is over"


async def test_a_server_restored_from_a_backup_may_have_missed_incarnations(database_url: str) -> None:
    async with centre(database_url) as c:
        desk = await c.desk()
        run = arrivals(desk, await claims(c, 2))
        reply = await desk.push(*run, incarnation=7)
        assert (codes(reply), reply.stop) == (["applied"] * 2, None)
        assert (await desk.push(*run, incarnation=6)).stop == "fork"


async def test_known_commands_before_new_ones_count_in_a_new_incarnation(database_url: str) -> None:
    """A single request of the device that the ledger knows already takes its place in the queue."""
    async with centre(database_url) as c:
        desk = await c.desk()
        (id,) = await claims(c, 1)
        command = desk.queue("attendance.arrive", {"reservation_id": id})
        single = msgspec.structs.replace(command, seq=None)
        ok(await c.authority.submit(desk.principal, single, c.programme))
        other = desk.queue("attendance.perform", {"reservation_id": id})
        reply = await desk.push(command, other)
        assert (codes(reply), reply.stop, reply.next_seq) == (["applied"] * 2, None, 3)


async def test_two_desks_check_in_the_same_person(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        (id,) = await claims(c, 1)
        desks = [await c.desk("One"), await c.desk("Two")]
        runs = [
            desk.queue("attendance.arrive", {"reservation_id": id}, occurred_at=NOON.replace(minute=n))
            for n, desk in enumerate(desks)
        ]
        replies = await asyncio.gather(
            *(desk.push(run, at=n) for n, (desk, run) in enumerate(zip(desks, runs, strict=True)))
        )
        assert [codes(reply) for reply in replies] == [["applied"], ["applied"]]
        flags = await c.sql.fetch("SELECT reason, audience FROM flags")
        assert len(flags) == 1
        assert flags[0][0] == "arrived_twice"
        version = await c.sql.fetchval("SELECT version FROM slot_reservations WHERE id = $1", id)
        assert version == 3


async def test_what_depends_on_a_refused_command(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots()
        desk = await c.desk()
        zoe, ann = await c.people(2)
        ok(await c.reserve(slot, zoe))
        walk_in = desk.queue("reservation.reserve", {"slot_id": slot, "participant_ids": [ann]})
        cancel = desk.queue("reservation.cancel", {"reservation_id": walk_in.id}, depends_on=[walk_in.id])
        chained = desk.queue("group.create", {"name": "A"}, depends_on=[cancel.id])
        unknown = desk.queue("group.create", {"name": "A"}, depends_on=[new_id()])
        arrive = desk.queue("attendance.arrive", {"reservation_id": walk_in.id}, depends_on=[walk_in.id])
        free = desk.queue("group.create", {"name": "A"})
        reply = await desk.push(walk_in, cancel, chained, unknown, arrive, free)
        dependent = "DEPENDENCY_REFUSED"
        assert codes(reply) == ["SLOT_FULL", dependent, dependent, dependent, "NOT_FOUND", "applied"]
        assert reply.results[1].details == {"command_id": walk_in.id}
        assert reply.stop is None
        later = desk.queue("group.create", {"name": "A"}, depends_on=[free.id])
        assert codes(await desk.push(later)) == ["applied"]


async def test_what_a_desk_may_not_do_is_a_verdict_in_its_queue(database_url: str) -> None:
    """Unlike a single request's: without a verdict the queue would have a hole."""
    async with centre(database_url) as c:
        desk = await c.desk()
        desk.principal = dataclasses.replace(desk.principal, role="volunteer")
        run = [
            desk.queue("event.create", {"name": "A"}),
            desk.queue("attendance.arrive", {"reservation_id": "x"}),
            desk.queue("future.kind", {"a": "\0"}),
            msgspec.structs.replace(desk.queue("event.create", {}), args=msgspec.Raw(b'{"junk": "\xff"')),
            msgspec.structs.replace(desk.queue("event.create", {}), args=msgspec.Raw(b"[" * 50_000 + b"]" * 50_000)),
            msgspec.structs.replace(desk.queue("no.kind", {}), args=msgspec.Raw(b'{"x": "\xff"}')),
            msgspec.structs.replace(desk.queue("group.create", {}), args=msgspec.Raw(b"null")),
            msgspec.structs.replace(desk.queue("group.create", {}), args=msgspec.Raw(b"[null]")),
        ]
        reply = await desk.push(*run)
        expected = ["NOT_ALLOWED", INVALID, "UNKNOWN_KIND", "NOT_ALLOWED", "NOT_ALLOWED", "UNKNOWN_KIND"]
        assert codes(reply) == [*expected, "NOT_ALLOWED", "NOT_ALLOWED"]
        assert reply.next_seq == 9
        assert codes(await desk.push(*run)) == codes(reply)
        assert len(await c.sql.fetch("SELECT args FROM commands WHERE seq IS NOT NULL")) == 8


async def test_a_queue_that_asks_for_what_is_old_is_read_as_it_was_written(database_url: str) -> None:
    """Names that no rule knows (any more) are no mistake of a desk: what it queued, it sends for ever."""
    async with centre(database_url) as c:
        desk = await c.desk()
        null = msgspec.structs.replace(desk.queue("group.create", {}), args=msgspec.Raw(b"null"))
        reply = await desk.push(null, desk.queue("group.create", {"name": "A", "colour": "red", "shortName": "B"}))
        assert (codes(reply), reply.stop, reply.next_seq) == ([INVALID, "applied"], None, 3)


@pytest.mark.expects_log("group.create could not be carried out")
async def test_after_a_failure_the_same_is_to_be_pushed_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    async with centre(database_url) as c:
        desk = await c.desk()
        await desk.push(desk.queue("group.create", {"name": "A"}), desk.queue("group.create", {"name": "B"}))
        run = [desk.queue("group.create", {"name": "C"}), desk.queue("group.create", {"name": "D"})]
        with monkeypatch.context() as patch:
            patch.setattr("server_sync.authority.batch.store", broken)
            reply = await desk.push(*run)
            assert (codes(reply), reply.stop, reply.next_seq) == ([], "retry", 3)
        reply = await desk.push(*run)
        assert (codes(reply), reply.stop, reply.next_seq) == (["applied"] * 2, None, 5)


@pytest.mark.expects_log("stopped by a constraint only")
async def test_one_poison_command_harms_no_other(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own run stops at it with ``retry``; what came before stands, and so do all other runs of the batch."""
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=50)
        sick, healthy = await c.desk("Sick"), await c.desk("Healthy")
        ids = [ok(await c.reserve(slot, person))["reservation_id"] for person in await c.people(9)]
        rule = RULES["attendance.no_show"]

        def decide(state: Any, command: Any, now: Any) -> Any:
            verdict = rule.decide(state, command, now)
            assert isinstance(verdict, Changes)
            fact = verdict.puts[1]
            return dataclasses.replace(verdict, puts=[msgspec.structs.replace(fact, reservation_id=new_id())])

        monkeypatch.setitem(RULES, rule.kind, dataclasses.replace(rule, decide=decide))
        run = arrivals(sick, ids[:3])
        poison = sick.queue("attendance.no_show", {"reservation_id": ids[3]})
        after = sick.queue("attendance.arrive", {"reservation_id": ids[4]})
        others = arrivals(healthy, ids[5:])
        async with c.held(slot):
            blocker = asyncio.create_task(c.reserve(slot, *await c.people(1)))
            await c.waiting_backends()
            pushed = asyncio.create_task(sick.push(*run, poison, after))
            pushed_too = asyncio.create_task(healthy.push(*others))
            await asyncio.sleep(0.05)
        ok(await blocker)
        reply = await pushed
        assert codes(reply)[:3] == ["applied"] * 3
        assert codes(await pushed_too) == ["applied"] * 4
        assert codes(reply)[3:] == ["NOT_FOUND", "applied"], "a constraint spoke: that is a verdict"
        assert await facts(c) == 8


@pytest.mark.expects_log("deciding attendance.no_show .* failed")
async def test_a_bug_in_a_rule_stops_its_run_only(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with centre(database_url) as c:
        sick, healthy = await c.desk("Sick"), await c.desk("Healthy")
        ids = await claims(c, 6)
        rule = RULES["attendance.no_show"]

        def decide(state: Any, command: Any, now: Any) -> Any:
            raise ZeroDivisionError("a bug")

        run = arrivals(sick, ids[:2])
        poison = sick.queue("attendance.no_show", {"reservation_id": ids[2]})
        after = sick.queue("attendance.arrive", {"reservation_id": ids[3]})
        with monkeypatch.context() as patch:
            patch.setitem(RULES, rule.kind, dataclasses.replace(rule, decide=decide))
            reply, other = await asyncio.gather(
                sick.push(*run, poison, after), healthy.push(*arrivals(healthy, ids[4:]))
            )
            assert (codes(reply), reply.stop, reply.next_seq) == (["applied"] * 2, "retry", 3)
            assert codes(other) == ["applied"] * 2
            assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE id = $1", poison.id) == 0
        reply = await sick.push(*run, poison, after)
        assert (codes(reply), reply.stop) == (["applied"] * 4, None), "mended, it goes on"


async def test_who_may_push_what(database_url: str) -> None:
    async with centre(database_url) as c:
        desk, other = await c.desk(), await c.desk("Other")
        stolen = PushRequest(proto=1, device=other.principal.device_id or "", incarnation=1, commands=[])
        refusal = await c.authority.push(desk.principal, stolen)
        assert isinstance(refusal, Refusal)
        assert refusal.code == NOT_ALLOWED
        staff = Principal("staff:bea", "Bea", "admin", c.programme)
        assert isinstance(await c.authority.push(staff, stolen), Refusal)
        future = PushRequest(proto=9, device=desk.principal.device_id or "", incarnation=1, commands=[])
        reply = await c.authority.push(desk.principal, future)
        assert not isinstance(reply, Refusal)
        assert reply.stop == "upgrade"
        # two desks choose one id: the second is told to make its own
        command = envelope("group.create", {"name": "A"}, seq=1, occurred_at=NOON)
        assert codes(await desk.push(command)) == ["applied"]
        assert (await other.push(command)).stop == "fork"


async def test_a_long_queue_is_cut(database_url: str) -> None:
    async with centre(database_url) as c:
        desk = await c.desk()
        run = [desk.queue("group.create", {"name": f"G{n}"}) for n in range(MAX_RUN + 5)]
        reply = await desk.push(*run)
        assert (len(reply.results), reply.next_seq, reply.stop) == (MAX_RUN, MAX_RUN + 1, None)
        assert len((await desk.push(*run[MAX_RUN:])).results) == 5
