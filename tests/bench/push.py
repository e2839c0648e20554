"""Desks that push fifty check-ins at once, against the same check-ins one request at a time."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec

from server_sync.protocol.commands import MAX_RUN, PROTO, PushReply
from server_sync.protocol.ids import new_id
from tests.bench import checkin
from tests.bench.desks import ROOT_TOKEN, BenchDesk, enrol
from tests.bench.load import Measured, wrk
from tests.bench.openloop import Line, lines, percentile, request
from tests.bench.report import Row, compared
from tests.bench.reserve import WORKERS
from tests.bench.rounds import ROUNDS, Supply, describe, interleaved, per_second, refuse_failures, rows_for
from tests.bench.servers import api, postgres

DESKS: Final = (1, 4, 16)
TARGETS: Final = {4: 4.0, 16: 4.0}
SINGLE: Final = 16
FASTEST: Final = 15_000
"""More commands a second than are pushed here."""

_REPLY: Final = msgspec.json.Decoder(PushReply)
_OCCURRED: Final = datetime.now(UTC).isoformat()


def body(desk: BenchDesk, first: int) -> bytes:
    """The next fifty commands of *desk*: check-ins of the claims from number *first* on."""
    commands = []
    for number in range(first, first + MAX_RUN):
        desk.seq += 1
        args = {"reservation_id": f"00000000-0000-7000-8000-0005{number:08x}"}
        commands.append(
            {"id": new_id(), "seq": desk.seq, "kind": "attendance.arrive", "args": args, "occurred_at": _OCCURRED}
        )
    return json.dumps({"proto": PROTO, "device": desk.device, "incarnation": 1, "commands": commands}).encode()


async def pushing(base: str, desks: list[BenchDesk], seconds: float, claims: Supply) -> Measured:
    """Every desk pushes as soon as its last push was answered; the rate is of commands."""
    open_lines = await lines(base, len(desks))
    start = time.perf_counter()
    took: list[float] = []
    await asyncio.gather(
        *(_push(base, desk, line, start + seconds, claims, took) for desk, line in zip(desks, open_lines, strict=True))
    )
    elapsed = time.perf_counter() - start
    for line in open_lines:
        line.close()
    return Measured(len(took) * MAX_RUN / elapsed, percentile(took, 0.5) * 1000, percentile(took, 0.99) * 1000)


async def _push(base: str, desk: BenchDesk, line: Line, until: float, claims: Supply, took: list[float]) -> None:
    while (began := time.perf_counter()) < until:
        data = request(base, "POST", "/sync/push", body(desk, claims.take(MAX_RUN)), desk.token)
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        line.ask(data, partial(_settle, answered))
        status, found = await answered
        took.append(time.perf_counter() - began)
        reply = _REPLY.decode(found) if status == 200 else None
        if reply is None or reply.stop or any(result.status != "applied" for result in reply.results):
            raise RuntimeError(f"a push was not carried out: {status} {found[:300].decode()}")


def _settle(answered: asyncio.Future[tuple[int, bytes]], status: int, reply: bytes) -> None:
    answered.set_result((status, reply))


def run(seconds: float) -> list[Row]:
    """The rows of this benchmark."""
    singles = rows_for(SINGLE, seconds)
    count = ROUNDS * (round(len(DESKS) * FASTEST * seconds) + singles) + checkin.WARMING
    claims = Supply(1, count)
    with postgres() as database:
        asyncio.run(checkin.prepare(database.dsn, count))
        with api(database.dsn, WORKERS, {"CALLBOARD_ROOT_TOKEN": ROOT_TOKEN}) as base:
            desks = [enrol(base, f"Desk {number}") for number in range(1, max(DESKS) + 1)]
            checkin.warm(base, desks[0].token, claims)

            def single() -> Measured:
                variables: dict[str, int | str] = {"first": claims.take(singles) - 1, "token": desks[0].token}
                return wrk(base, checkin.LUA, SINGLE, seconds, variables)

            def push(count: int) -> Measured:
                return asyncio.run(pushing(base, desks[:count], seconds, claims))

            found = interleaved({"single": single, **{f"{n} desks": partial(push, n) for n in DESKS}})
            print(describe("push", found), flush=True)
            refuse_failures("push", found)
        asyncio.run(checkin.check(database.dsn))
    return [
        compared("push", f"{MAX_RUN} at once from {n} desks, to single requests from {SINGLE} clients",
                 per_second(found, f"{n} desks"), "commands/s", per_second(found, "single"), target=TARGETS.get(n))
        for n in DESKS
    ]  # fmt: skip
