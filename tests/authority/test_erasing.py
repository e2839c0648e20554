"""Somebody is erased: nothing tells who it was any more, at the centre or a desk, and all of it is still counted."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.store.cache import Delta
from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.outbox import Identity
from desktop.store.worker import InlineWorker
from desktop.sync.delta import read_delta
from server_sync.authority.connection import open_pool
from server_sync.authority.erasing import _NAMED, _ONE_AT_A_TIME
from server_sync.authority.feed import Delta as FeedDelta
from server_sync.authority.feed import Feed, Follower, Page
from server_sync.protocol.commands import Envelope, Line, PushRequest
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.imports import Import, ImportPerson, Place, Problem
from server_sync.protocol.records import SlotReservation
from server_sync.rules import cancel
from server_sync.rules.create import CreateParticipant
from server_sync.rules.people import UpdateParticipant
from server_sync.rules.redaction import ERASED_NAME
from tests.anything.rows import differences, replayed, tables
from tests.authority.centre import NOON, ROOT, Centre, centre, code, codes, ok
from tests.unit.files import talk, talks

SECRETS = ("Quillfeather", "zq@example.org", "Marchpane", "X-4711", "a golden stool", "mother@example.org", "Zebedee")
"""Everything that the person of these tests is known by; nothing else bears any of it."""


@pytest.fixture
async def c(database_url: str) -> AsyncIterator[Centre]:
    """A centre."""
    async with centre(database_url) as made:
        yield made


async def dump(c: Centre) -> str:
    """Every row of every table, as a dump writes them."""
    tables = await c.sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    out = io.BytesIO()
    for (table,) in tables:
        await c.sql.copy_from_table(table, output=out)
    return out.getvalue().decode()


async def told(c: Centre) -> set[str]:
    """The secrets that the database still tells."""
    text = (await dump(c)).casefold()
    return {secret for secret in SECRETS if secret.casefold() in text}


async def somebody(c: Centre) -> tuple[Id, Id]:
    """A person whom many commands are about, and a claim of his."""
    slot, another = await c.slots(2, capacity=3)
    who = await c.create(
        "participant", first_name="Zebedee", last_name="Quillfeather", contact="zq@example.org",
        school="Marchpane Hall", external_id="X-4711", age=9, metadata={"teacher": "Ms Marchpane"},
    )  # fmt: skip
    ann = await c.create("participant", display_name="Ann")
    ok(await c.submit("participant.update", {"participant_id": who, "grade": "5", "contact": "zq@example.org; 0171"}))
    fields = {"reserved_name": "Zebedee Q.", "contact": "mother@example.org", "special_requirements": "a golden stool"}
    own = ok(await c.submit("reservation.reserve", {"slot_id": slot, "participant_ids": [who], **fields}))
    party = {"slot_id": another, "participant_ids": [who, ann], "contact": "zq@example.org; 0171"}
    ok(await c.submit("reservation.reserve", party | {"special_requirements": "Zebedee Quillfeather is small"}))
    ok(await c.submit("attendance.arrive", {"reservation_id": own["reservation_id"]}))
    again = await c.submit("participant.create", {"display_name": "Z. Quillfeather", "external_id": "X-4711"})
    assert code(again) == "ALREADY_EXISTS"
    again = await c.submit("reservation.reserve", {"slot_id": slot, "participant_ids": [who], **fields})
    assert code(again) == "ALREADY_RESERVED"
    return who, own["reservation_id"]


def roster(*people: ImportPerson) -> dict[str, Any]:
    """An import of a list of people, with a problem that names the first."""
    place = Place(file="roster.csv", line=2)
    problem = Problem(severity="doubtful", code="age", place=place, subject=people[0].display_name,
                      reason=f"{people[0].display_name} is young", advice="ask")  # fmt: skip
    document = Import(file="roster.csv", file_hash="ab" * 32, format="csv-people", people=people, problems=(problem,))
    found: dict[str, Any] = {"document": msgspec.to_builtins(document)}
    return found


async def test_nothing_in_the_database_tells_who_it_was_and_counts_stay(c: Centre) -> None:
    who, own = await somebody(c)
    assert await told(c) == set(SECRETS)
    counted = (
        "SELECT (SELECT count(*) FROM participants), (SELECT count(*) FROM slot_reservations),"
        " (SELECT count(*) FROM reservation_members WHERE live), (SELECT count(*) FROM attendance),"
        " (SELECT sum(reserved_count) FROM event_slots)"
    )
    before = await c.sql.fetchrow(counted)
    verdicts = "SELECT id, kind, status, code, actor, hash, received_at FROM commands ORDER BY number"
    ledger = await c.sql.fetch(verdicts)
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "the family asked"}))
    assert await told(c) == set()
    assert await c.sql.fetchrow(counted) == before
    assert (await c.sql.fetch(verdicts))[: len(ledger)] == ledger, "every command stays, with its verdict"
    assert await c.sql.fetchval("SELECT display_name FROM participants WHERE id = $1", who) == ERASED_NAME
    assert code(await c.submit("participant.update", {"participant_id": who, "school": "x"})) == "ERASED"
    touched = await c.sql.fetchval("SELECT count(*) FROM commands WHERE touched @> ARRAY[$1::uuid]", own)
    assert touched >= 3, "the history of his claim can still be read"


async def test_others_in_the_same_import_stay_even_a_namesake(c: Centre) -> None:
    place = Place(file="roster.csv", line=2)
    first = ImportPerson(key="X-4711", place=place, external_id="X-4711", display_name="Zebedee Quillfeather",
                         school="Marchpane Hall", contact="zq@example.org")  # fmt: skip
    namesake = ImportPerson(key="N-1", place=place, external_id="N-1", display_name="Zebedee Quillfeather",
                            school="Elsewhere")  # fmt: skip
    ok(await c.submit("import.apply", roster(first, namesake)))
    who = await c.sql.fetchval("SELECT id::text FROM participants WHERE external_id = 'X-4711'")
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    assert await told(c) & {"zq@example.org", "Marchpane", "X-4711"} == set()
    (row,) = await c.sql.fetch(
        "SELECT args::text, effects::text, details::text FROM commands WHERE kind = 'import.apply'"
    )
    args = msgspec.json.decode(row[0])["document"]
    assert [person["display_name"] for person in args["people"]] == [ERASED_NAME, "Zebedee Quillfeather"]
    assert args["problems"][0]["reason"] == f"{ERASED_NAME} is young"
    assert args["people"][1] == msgspec.to_builtins(namesake)
    assert "Quillfeather" in row[1], "the namesake's own row in the effects"
    assert (
        await c.sql.fetchval("SELECT display_name FROM participants WHERE external_id = 'N-1'") == namesake.display_name
    )


async def test_who_was_merged_and_who_had_left_are_forgotten_too(c: Centre) -> None:
    who, _ = await somebody(c)
    stays = await c.create("participant", display_name="Zebedee Quill-Feather")
    ok(await c.submit("participant.merge", {"participant_id": stays, "duplicate_id": who}))
    assert await c.sql.fetchval("SELECT external_id FROM participants WHERE id = $1", stays) == "X-4711"
    leave = {"participant_id": stays, "cancel_claims": True, "reason": "moved away"}
    ok(await c.submit("participant.retire", leave))
    assert await c.sql.fetchval("SELECT count(*) FROM slot_reservations WHERE deleted") == 1
    ok(await c.submit("participant.erase", {"participant_id": stays, "reason": "asked"}))
    assert await told(c) == set()


async def mentioned_everywhere(c: Centre) -> Id:
    """Somebody whose name stands in rows that are not his: talks that came in with a file, and what staff wrote."""
    name = "Zebedee Quillfeather"
    file = talks(talk("a", "09:00", name, "Bea"), talk("b", "09:30", name, room="Gym"))
    ok(await c.submit("import.apply", {"document": msgspec.to_builtins(file)}))
    who: Id = await c.sql.fetchval("SELECT id::text FROM participants WHERE display_name = $1", name)
    row = await c.sql.fetchrow(
        "SELECT s.id::text AS slot, s.time_block_id::text AS block, s.event_id::text AS event,"
        " s.location_id::text AS room FROM event_slots s JOIN events e ON e.id = s.event_id WHERE e.name = 'a'"
    )
    about = f"{name} (zq@example.org) needs the side door"
    said = {"description": about, "metadata": {"said": about, "number": "X-4711"}}
    ok(await c.submit("event.update", {"event_id": row["event"], "artists": ["Bea", name], **said}))
    ok(await c.submit("block.update", {"block_id": row["block"], "notes": about}))
    ok(await c.submit("slot.block", {"slot_id": row["slot"], "reason": about}))
    ok(await c.submit("location.update", {"location_id": row["room"], "notes": about}))
    ok(
        await c.submit(
            "participant.update", {"participant_id": who, "contact": "zq@example.org", "external_id": "X-4711"}
        )
    )
    twin = await c.create("participant", display_name=name)
    (elsewhere,) = await c.slots(start=NOON.replace(year=2026, hour=9, minute=15))
    ok(await c.reserve(elsewhere, twin))
    ok(await c.submit("participant.merge", {"participant_id": who, "duplicate_id": twin, "waive_reason": about}))
    return who


async def test_no_row_that_his_claims_lead_to_repeats_him(c: Centre) -> None:
    who = await mentioned_everywhere(c)
    assert await told(c) == {"Quillfeather", "Zebedee", "zq@example.org", "X-4711"}
    tables = ("reservation_members", "events", "event_time_blocks", "event_slots", "locations")
    found = " UNION ALL ".join(
        f"SELECT '{table}' FROM {table} t WHERE t::text LIKE '%Quillfeather%'" for table in tables
    )
    assert {row[0] for row in await c.sql.fetch(found)} == set(tables)
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    assert await c.sql.fetch(found) == []
    assert await told(c) == {"X-4711"}
    event = await c.sql.fetchrow("SELECT artists, metadata::text AS said FROM events WHERE name = 'a'")
    assert event["artists"] == ["Bea", ERASED_NAME]
    assert msgspec.json.decode(event["said"])["number"] == "X-4711", (
        "a number of the event's own, as far as anybody knows"
    )


async def test_a_file_that_came_in_again_forgets_whoever_was_in_it_as_before(c: Centre) -> None:
    place = Place(file="roster.csv", line=2)
    who = ImportPerson(key="X-4711", place=place, external_id="X-4711", display_name="Zebedee Quillfeather",
                       school="Marchpane Hall", contact="zq@example.org")  # fmt: skip
    other = ImportPerson(key="N-1", place=place, external_id="N-1", display_name="Ann", school="Elsewhere")
    ok(await c.submit("import.apply", roster(who, other)))
    ok(await c.submit("import.apply", roster(who, msgspec.structs.replace(other, school="Anywhere"))))
    id = await c.sql.fetchval("SELECT id::text FROM participants WHERE external_id = 'X-4711'")
    touched = await c.sql.fetchval("SELECT count(*) FROM commands WHERE touched @> ARRAY[$1::uuid]", id)
    assert touched == 1, "the second time nothing of him changed"
    ok(await c.submit("participant.erase", {"participant_id": id, "reason": "asked"}))
    assert await told(c) == set()
    assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE args::text LIKE '%Anywhere%'") == 1


async def test_what_was_refused_forgets_whoever_it_named(c: Centre) -> None:
    """Before there was such a person, or where it said something that no command could be made of."""
    (slot,) = await c.slots()
    (ann,) = await c.people(1)
    ok(await c.reserve(slot, ann))
    desk = await c.desk()
    named = {"display_name": "Zebedee Quillfeather", "contact": "mother@example.org", "school": "Marchpane Hall"}
    pushed = await desk.push(
        desk.queue("reservation.walk_in", {"slot_id": slot, **named}),
        desk.queue("participant.create", {**named, "age": "nine"}),
        desk.queue("participant.dream", {"of": [named["display_name"]]}),
        desk.queue("participant.create", {"display_name": "Zebedee Quillfeatherstone", "age": "ten"}),
    )
    assert codes(pushed) == ["SLOT_FULL", "INVALID", "UNKNOWN_KIND", "INVALID"]
    written = b'{"slot_id": "%s", "reserved_name": "Z\\u00e9b\\u00C9d\\u00e9e"}' % slot.encode()
    refused = Envelope(id=new_id(), kind="reservation.reserve", args=msgspec.Raw(written))
    assert code(await c.authority.submit(ROOT, refused, c.programme)) == "SLOT_FULL"
    who = await c.create("participant", **named, external_id="X-4711")
    ok(await c.submit("participant.update", {"participant_id": who, "display_name": "ZébÉdée"}))
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    ledger = "\n".join(row[0] for row in await c.sql.fetch("SELECT args::text FROM commands ORDER BY number"))
    assert ledger.count("Zebedee Quillfeather") == ledger.count("Quillfeatherstone") == 1, "somebody else"
    assert not any(said in ledger for said in ("mother@example.org", "Marchpane", "X-4711", "u00e9", "ZébÉdée"))
    assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE status = 'rejected'") == 5


async def test_everybody_else_is_answered_while_a_long_file_is_redacted(c: Centre) -> None:
    """And wants the slot that he is in: who does not stand in it does not keep it."""
    (slot,) = await c.slots(capacity=3)
    place = Place(file="roster.csv", line=2)
    who = ImportPerson(key="X-4711", place=place, external_id="X-4711", display_name="Zebedee Quillfeather")
    ok(await c.submit("import.apply", roster(who)))
    id = await c.sql.fetchval("SELECT id::text FROM participants WHERE external_id = 'X-4711'")
    ok(await c.reserve(slot, id))
    said = roster(who)["document"]
    document = msgspec.json.encode({"document": said | {"problems": said["problems"] * 50_000}}).decode()
    await c.sql.execute("UPDATE commands SET args = $1::json WHERE kind = 'import.apply'", document)
    (ann,) = await c.people(1)
    beats: list[float] = []

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.005)

    pulse = asyncio.create_task(beat())
    asked = asyncio.create_task(c.submit("participant.erase", {"participant_id": id, "reason": "asked"}))
    redacts = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted"
    while not await c.sql.fetchval(redacts, _ONE_AT_A_TIME):
        assert not asked.done()
    ok(await c.reserve(slot, ann))
    assert not asked.done(), "she did not wait for it"
    ok(await asked)
    pulse.cancel()
    longest = max(after - before for before, after in pairwise(beats))
    took = beats[-1] - beats[0]
    assert longest < 0.3 * took, f"nobody was answered for {longest:.2f} of {took:.2f} s"
    assert await told(c) == set()


async def test_who_shares_a_command_with_him_keeps_the_same_name_in_the_ledger_and_the_row(c: Centre) -> None:
    """Erased are his own claim, by whatever name somebody typed, and his party's; a stranger's of that name is not."""
    zoe, (ann,), (slot,) = (
        await c.create("participant", display_name="Ada Quill"),
        await c.people(1),
        await c.slots(capacity=9),
    )
    typed = [
        {"slot_id": slot, "participant_ids": [zoe], "reserved_name": "Ada"},
        {"slot_id": slot, "reserved_name": "Ada"},
        {"slot_id": slot, "reserved_name": "Ada Quill"},
    ]
    ok(await c.submit("reservation.assign", {"assignments": typed}))
    (later,) = await c.slots(capacity=9, start=NOON + timedelta(hours=1))
    both = {"slot_id": later, "participant_ids": [zoe, ann], "reserved_name": "Ada Quill and Ada"}
    ok(await c.submit("reservation.reserve", both))
    ok(await c.submit("participant.erase", {"participant_id": zoe, "reason": "asked"}))
    now = await tables(c.sql, c.programme)
    names = sorted(claim.reserved_name or "" for claim in now.rows[SlotReservation].values())
    assert names == ["", "Ada", "Ada Quill", f"{ERASED_NAME} and Ada"]
    assert differences(await replayed(c.sql, c.programme), now) == []


async def test_what_names_somebody_is_looked_up_by_an_index(c: Centre) -> None:
    who, _ = await somebody(c)
    await c.sql.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    await c.sql.execute(f"PREPARE named (uuid[], text[]) AS {_NAMED}")
    plan = await c.sql.fetch("EXPLAIN EXECUTE named ($1, '{}')".replace("$1", f"'{{{who}}}'"))
    assert "ix_commands_unlinked" in "\n".join(row[0] for row in plan)


@pytest.mark.expects_log("participant.erase could not be carried out")
async def test_a_failure_midway_erases_nothing(c: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    who, _ = await somebody(c)

    async def broken(*_: Any) -> None:
        raise ValueError("the ledger could not be redacted")

    monkeypatch.setattr("server_sync.authority.batch.erase", broken)
    with pytest.raises(ValueError, match="redacted"):
        await c.submit("participant.erase", {"participant_id": who, "reason": "asked"})
    assert await told(c) == set(SECRETS)
    monkeypatch.undo()
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    assert await told(c) == set()


# ---------------------------------------------------------------------- a desk


class DeskAt:
    """A desk on the disk that speaks with the centre, without HTTP between them."""

    def __init__(self, c: Centre, feed: Feed, store: Store, principal: Any) -> None:
        self.c, self.feed, self.store, self.principal = c, feed, store, principal
        self.follower = Follower(principal.device_id, c.programme, "admin")

    def _read(self, reply: Any) -> tuple[Delta, str | None]:
        assert isinstance(reply, FeedDelta | Page), reply
        lines = [msgspec.json.decode(text, type=Line) for text in reply.body().split(b"\n")[:-1]]
        found = read_delta(lines)
        assert isinstance(found, tuple), found
        return found[0], found[2].next_page

    async def fetch_everything(self) -> None:
        await self.store.begin_filling(anew=False)
        page, following = self._read(await self.feed.bootstrap(self.follower, None))
        await self.store.fill(page, following, None)
        while following is not None:
            page, following = self._read(await self.feed.bootstrap(self.follower, following))
            await self.store.fill(page, following, None)
        assert await self.store.reveal(datetime.now(UTC)) is None

    async def pull(self) -> None:
        assert self.store.cursor is not None
        delta, _ = self._read(await self.feed.pull(self.follower, self.store.cursor))
        assert await self.store.apply(delta, datetime.now(UTC)) is None

    async def push(self) -> None:
        run = await self.store.run_from(1, 50, 10**6)
        assert isinstance(run, list)
        ids, _ = await self.store.unsettled()  # type: ignore[misc]
        new = [queued.envelope for queued in run if queued.id in ids]
        request = PushRequest(proto=1, device=self.principal.device_id, incarnation=1, commands=new)
        reply = await self.c.authority.push(self.principal, request)
        assert [result.code for result in reply.results] == [None] * len(new), reply  # type: ignore[union-attr]

    async def ask(self, kind: str, args: msgspec.Struct) -> Id:
        done = await self.store.submit(Wish(kind, args))
        assert isinstance(done, Submitted), done
        return done.id


@pytest.fixture
async def desk(c: Centre, tmp_path: Path) -> AsyncIterator[DeskAt]:
    """An enrolled desk."""
    pool = await open_pool(c.url, 2)
    feed, enrolled = Feed(pool), await c.desk()
    store = await Store.open(
        tmp_path / "outbox.db", tmp_path / "cache.db", InlineWorker(), lambda: NOON + timedelta(minutes=1)
    )
    assert isinstance(store, Store)
    identity = Identity(
        device=enrolled.principal.device_id or "", name="Desk", ceiling="admin", programme=c.programme,
        programme_name="A day", practice=False, server="http://localhost",
    )  # fmt: skip
    assert await store.enrol(identity) is None
    yield DeskAt(c, feed, store, enrolled.principal)
    await store.close()
    await feed.close()
    await pool.close()


def on_disk(folder: Path) -> set[str]:
    """The secrets that stand in any file of the desk, log files included."""
    held = b"".join(file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file())
    return {secret for secret in SECRETS if secret.encode() in held}


async def test_a_desk_forgets_whoever_was_erased(c: Centre, desk: DeskAt, tmp_path: Path) -> None:
    who, own = await somebody(c)
    await desk.fetch_everything()
    await desk.ask("participant.update", UpdateParticipant(participant_id=who, school="Marchpane Academy"))
    made = await desk.ask("participant.create", CreateParticipant(display_name="Bea", contact="bea@example.org"))
    await desk.push()
    await desk.pull()
    assert on_disk(tmp_path) == set(SECRETS)
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    await desk.pull()
    assert on_disk(tmp_path) == set()
    assert b"bea@example.org" in (tmp_path / "outbox.db").read_bytes(), "what is about others stays"
    whole = await desk.store.everything()
    kept = {state.envelope.id: state.envelope for state in whole.commands}
    assert len(kept) == 2
    assert b"bea@example.org" in bytes(kept[made].args)
    assert not any(secret in repr(whole) for secret in SECRETS), "nor in what the screens get"
    assert await told(c) == set()
    await desk.ask("reservation.cancel", cancel.Args(reservation_id=own, reason="after all"))
    await desk.push()


async def test_what_waits_on_a_desk_keeps_its_arguments_until_it_has_its_verdict(
    c: Centre, desk: DeskAt, tmp_path: Path
) -> None:
    who, _ = await somebody(c)
    await desk.fetch_everything()
    late = await desk.ask("participant.update", UpdateParticipant(participant_id=who, school="Marchpane Academy"))
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    await desk.pull()
    assert on_disk(tmp_path) == {"Marchpane"}, "it is still to be sent, as it was asked"
    request = await desk.store.run_from(1, 10, 10**6)
    assert isinstance(request, list)
    pushed = PushRequest(
        proto=1, device=desk.principal.device_id, incarnation=1, commands=[queued.envelope for queued in request]
    )
    reply = await c.authority.push(desk.principal, pushed)
    assert [result.code for result in reply.results] == ["ERASED"]  # type: ignore[union-attr]
    await desk.pull()
    assert on_disk(tmp_path) == set()
    assert late in {state.envelope.id for state in (await desk.store.everything()).commands}


async def test_a_desk_forgets_whom_a_refused_command_named(c: Centre, desk: DeskAt, tmp_path: Path) -> None:
    who, _ = await somebody(c)
    await desk.fetch_everything()
    again = CreateParticipant(display_name="Zebedee Quillfeather", school="Marchpane Academy", external_id="X-4711")
    await desk.ask("participant.create", again)
    run = await desk.store.run_from(1, 10, 10**6)
    assert isinstance(run, list)
    commands = [queued.envelope for queued in run]
    pushed = PushRequest(proto=1, device=desk.principal.device_id, incarnation=1, commands=commands)
    reply = await c.authority.push(desk.principal, pushed)
    assert [result.code for result in reply.results] == ["ALREADY_EXISTS"]  # type: ignore[union-attr]
    await desk.pull()
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    await desk.pull()
    assert on_disk(tmp_path) == set()


async def test_a_desk_that_fetches_everything_anew_forgets_as_well(c: Centre, desk: DeskAt, tmp_path: Path) -> None:
    who, _ = await somebody(c)
    await desk.fetch_everything()
    await desk.ask("participant.update", UpdateParticipant(participant_id=who, school="Marchpane Academy"))
    await desk.push()
    await desk.pull()
    ok(await c.submit("participant.erase", {"participant_id": who, "reason": "asked"}))
    await desk.fetch_everything()
    assert on_disk(tmp_path) == set()
