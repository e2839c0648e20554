"""What a desk speaks: bootstrap, push, pull, and being poked."""

from __future__ import annotations

import asyncio
import gzip
import uuid
from typing import Any

import httpx
import msgspec
import pytest
import zstandard

from server_sync.api.sync import LEAST_COMPRESSED, accepted_coding
from tests.api.festival import Festival, made, open_festival
from tests.api.processes import serving


def read_lines(body: bytes) -> list[dict[str, Any]]:
    """The lines of an NDJSON body, which must be whole."""
    assert body.endswith(b"\n")
    found = [msgspec.json.decode(line) for line in body.splitlines()]
    assert "begin" in found[0]
    assert "end" in found[-1]
    assert found[-1]["end"]["rows"] == len(found) - 2
    return found


class Desk:
    """A desk of the test: what it holds, and how it asks."""

    def __init__(self, festival: Festival, enrolled: dict[str, Any]) -> None:
        self.client, self.device, self.headers = festival.client, enrolled["device"], enrolled["headers"]
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self.cursor = ""
        self.seq = 0

    def take(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """Apply a delta or a page; returns its end."""
        for line in lines[1:-1]:
            if "put" in line:
                table, row = line["put"]
                self.rows[table, row["id"]] = row
            elif "del" in line:
                self.rows.pop(tuple(line["del"]), None)
            else:
                self.results[line["result"]["id"]] = line["result"]
        end: dict[str, Any] = lines[-1]["end"]
        return end

    async def bootstrap(self) -> None:
        """Fetch everything."""
        page, first = None, True
        while first or page is not None:
            body = {"proto": 1} if page is None else {"proto": 1, "page": page}
            reply = await self.client.post("/sync/bootstrap", json=body, headers=self.headers)
            assert reply.status_code == 200, reply.text
            end = self.take(read_lines(reply.content))
            self.cursor, page, first = end["cursor"], end.get("next_page"), False

    async def pull(self) -> dict[str, Any]:
        """Fetch what changed; returns the end of the delta."""
        body = {"proto": 1, "cursor": self.cursor}
        reply = await self.client.post("/sync/pull", json=body, headers=self.headers)
        assert reply.status_code == 200, reply.text
        lines = read_lines(reply.content)
        assert lines[0]["begin"]["from_cursor"] == self.cursor
        end = self.take(lines)
        self.cursor = end["cursor"]
        return end

    async def push(self, *commands: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Send commands in a run; returns the reply."""
        run = []
        for kind, args in commands:
            self.seq += 1
            run.append({"id": str(uuid.uuid4()), "seq": self.seq, "kind": kind, "args": args, "actor": "Vera"})
        body = {"proto": 1, "device": self.device, "incarnation": 1, "commands": run}
        reply = await self.client.post("/sync/push", json=body, headers=self.headers)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found


@pytest.fixture
async def desk(festival: Festival) -> Desk:
    """A desk that has synced once."""
    desk = Desk(festival, await festival.desk())
    await desk.bootstrap()
    return desk


async def test_a_desk_has_what_the_centre_has(festival: Festival, desk: Desk) -> None:
    tables = {table for table, _ in desk.rows}
    assert tables == {"programmes", "locations", "events", "event_locations", "devices", "staff"}
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    await desk.pull()
    row = desk.rows["slot_reservations", reservation]
    assert (row["claim"], row["reserved_name"]) == ("reserved", "Somebody")
    assert (await desk.pull())["rows"] == 0


async def test_a_push_and_its_verdicts_come_back_in_the_feed(festival: Festival, desk: Desk) -> None:
    slot = await festival.slot()
    reservation = (await festival.reserve(slot))["reservation_id"]
    pushed = await desk.push(
        ("attendance.arrive", {"reservation_id": reservation}),
        ("reservation.reserve", {"slot_id": slot, "reserved_name": "Too late"}),
    )
    assert [(result["status"], result.get("code")) for result in pushed["results"]] == [
        ("applied", None), ("rejected", "SLOT_FULL"),
    ]  # fmt: skip
    assert (pushed["next_seq"], pushed["stop"]) == (3, None)
    await desk.pull()
    assert [result["status"] for result in desk.results.values()] == ["applied", "rejected"]
    assert [row["kind"] for (table, _), row in desk.rows.items() if table == "attendance"] == ["arrived"]
    other = Desk(festival, await festival.desk())
    await other.bootstrap()
    assert other.results == {}, "a verdict is for the device that asked"


async def test_contacts_reach_admin_desks_alone(festival: Festival, desk: Desk) -> None:
    ada = await festival.person("Ada", contact="ada@example.org")
    office = Desk(festival, await festival.desk("admin"))
    await office.bootstrap()
    await desk.pull()
    assert office.rows["participants", ada]["contact"] == "ada@example.org"
    assert "contact" not in desk.rows["participants", ada]


@pytest.mark.parametrize("cursor", ["", "nonsense", "bm9uc2Vuc2U=", "é"])
async def test_a_cursor_that_is_none_begins_anew(desk: Desk, cursor: str) -> None:
    reply = await desk.client.post("/sync/pull", json={"proto": 1, "cursor": cursor}, headers=desk.headers)
    assert (reply.status_code, reply.json()) == (410, {"rebootstrap": "epoch"})


async def test_another_desks_cursor_is_of_another_scope(festival: Festival, desk: Desk) -> None:
    other = Desk(festival, await festival.desk())
    reply = await desk.client.post("/sync/pull", json={"proto": 1, "cursor": desk.cursor}, headers=other.headers)
    assert (reply.status_code, reply.json()) == (410, {"rebootstrap": "scope"})


async def test_a_desk_sees_its_own_programme_alone(client: httpx.AsyncClient, festival: Festival, desk: Desk) -> None:
    other = await open_festival(client, "Autumn Festival")
    await other.person("Secret")
    await desk.pull()
    fresh = Desk(festival, await festival.desk())
    await fresh.bootstrap()
    for rows in (desk.rows, fresh.rows):
        assert {row.get("programme_id", festival.programme) for row in rows.values()} == {festival.programme}


async def test_a_protocol_of_the_future(desk: Desk) -> None:
    body = {"proto": 2, "device": desk.device, "incarnation": 1, "commands": []}
    assert (await desk.client.post("/sync/push", json=body, headers=desk.headers)).json()["stop"] == "upgrade"
    for path in ("/sync/pull", "/sync/bootstrap"):
        reply = await desk.client.post(path, json={"proto": 2, "cursor": ""}, headers=desk.headers)
        assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"proto":1}', b'{"proto":1,"device":"x","incarnation":1,"commands":[]}', b"\xff"]
)
async def test_a_push_that_cannot_be_read(desk: Desk, body: bytes) -> None:
    reply = await desk.client.post("/sync/push", content=body, headers=desk.headers)
    assert reply.status_code in (400, 422), reply.text
    assert set(reply.json()) == {"error", "error_code", "details"}


async def test_a_long_reply_is_compressed_as_the_desk_likes(festival: Festival, desk: Desk) -> None:
    for number in range(20):
        await festival.person(f"Person number {number}")
    body = {"proto": 1, "cursor": desk.cursor}
    bodies = {}
    for accepted in ("identity", "gzip", "gzip, zstd", "zstd;q=0, gzip"):
        request = desk.client.build_request(
            "POST", "/sync/pull", json=body, headers=desk.headers | {"Accept-Encoding": accepted}
        )
        reply = await desk.client.send(request, stream=True)
        raw = b"".join([part async for part in reply.aiter_raw()])
        coding = reply.headers.get("content-encoding")
        if coding == "gzip":
            plain = gzip.decompress(raw)
        else:
            plain = raw if coding is None else zstandard.ZstdDecompressor().decompress(raw)
        bodies[accepted] = coding
        assert len(read_lines(plain)) == 22
        assert len(plain) > LEAST_COMPRESSED
        assert coding is None or len(raw) < len(plain)
    assert bodies == {"identity": None, "gzip": "gzip", "gzip, zstd": "zstd", "zstd;q=0, gzip": "gzip"}


def test_accepted_codings() -> None:
    assert accepted_coding("") is None
    assert accepted_coding("br, deflate") is None
    assert accepted_coding("GZIP;q=0.5, br") == "gzip"
    assert accepted_coding("gzip; q=0") is None


async def listen(client: httpx.AsyncClient, headers: dict[str, str], heard: asyncio.Queue[str]) -> None:
    """Put the names of the events into *heard* as they come, and ``ended`` when no more will."""
    async with client.stream("GET", "/sync/poke", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        async for line in reply.aiter_lines():
            if line.startswith("event:"):
                heard.put_nowait(line.removeprefix("event:").strip())
    heard.put_nowait("ended")


async def settle(heard: asyncio.Queue[str]) -> None:
    """Wait until what happened before has been heard, and forget it."""
    await asyncio.sleep(0.4)
    while not heard.empty():
        heard.get_nowait()


async def test_desks_are_poked_when_their_programme_changes(database_url: str) -> None:
    """With real processes: a change that either makes is heard by whoever listens to any."""
    with serving(database_url, workers=2) as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client, asyncio.TaskGroup() as tasks:
            festival, other = await open_festival(client), await open_festival(client, "Autumn Festival")
            desk, bystander = await festival.desk(), await other.desk()
            heard: asyncio.Queue[str] = asyncio.Queue()
            quiet: asyncio.Queue[str] = asyncio.Queue()
            tasks.create_task(listen(client, desk["headers"], heard))
            outside = tasks.create_task(listen(client, bystander["headers"], quiet))
            for queue in (heard, quiet):
                assert await asyncio.wait_for(queue.get(), 5) == "poke", "the first comes at once"
                await settle(queue)
            for number in range(4):
                await festival.person(f"Person {number}")
                assert await asyncio.wait_for(heard.get(), 2) == "poke"
                await settle(heard)
            before = heard.qsize()
            await asyncio.gather(*(festival.person(f"Another {number}") for number in range(50)))
            await asyncio.sleep(0.4)
            assert 1 <= heard.qsize() - before <= 25, "many changes at once are few pokes"
            assert quiet.empty(), "another programme's change is none of theirs"
            await settle(heard)
            await made(client, f"/v1/devices/{desk['device']}/revoke", {}, festival.admin)
            event = await asyncio.wait_for(heard.get(), 5)
            while event == "poke":  # a process may believe in the token for a second more
                await festival.person()
                event = await asyncio.wait_for(heard.get(), 5)
            assert event == "ended", "a revoked desk is no longer poked"
            outside.cancel()
