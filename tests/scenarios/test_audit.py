"""The audit trail: every change, who made it, what it changed, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server_sync.protocol.ids import Id
from server_sync.protocol.records import TABLES
from tests.api.festival import ROOT
from tests.scenarios.full_day import full_day
from tests.scenarios.stage import Stage


@pytest.mark.turned_off(
    "part:server_sync.authority.ledger:touched=[]",
    "part:server_sync.authority.ledger:encode_effects->tests.scenarios.standins:no_effects",
    "part:server_sync.authority.queries.audit:_change->tests.scenarios.standins:without_values",
)  # fmt: skip
async def test_T18_every_change_to_any_table_is_audited(stage: Stage) -> None:
    """Actor, action, target's type and id, payload, time: of each row that a day of all sorts of commands wrote."""
    day = await full_day(stage)
    written = {(change["table"], change["id"]) for entry in await trail(stage) for change in entry["changes"]}
    for table in TABLES:
        rows = {(table, str(row["id"])) for row in await stage.sql.fetch(f"SELECT id FROM {table}")}
        assert rows, table
        assert rows <= written, f"rows of {table} that no entry made"
        unsaid = await stage.value(
            f"SELECT count(*) FROM {table} t WHERE NOT EXISTS"
            " (SELECT 1 FROM commands c WHERE c.last_xid = t.last_xid AND t.id = ANY(c.touched))"
        )
        assert unsaid == 0, f"rows of {table} last changed by no command that is about them"
    of_claim = (await stage.get("/v1/audit", row=day.claim, order="oldest"))["entries"]
    assert [(entry["actor"], entry["kind"], entry["status"]) for entry in of_claim] == [
        ("Grace", "reservation.reserve", "applied"), ("Max", "reservation.move", "applied"),
        ("Vera", "attendance.arrive", "applied"), ("Grace", "reservation.cancel", "applied"),
        ("Grace", "attendance.perform", "applied"), ("Grace", "attendance.undo", "applied"),
        ("Grace", "reservation.move", "rejected"),
    ]  # fmt: skip
    assert all(entry["received_at"] for entry in of_claim)
    assert of_claim[1]["args"] == {"reservation_id": day.claim, "slot_id": day.there}
    (moved,) = [change for change in of_claim[1]["changes"] if change["table"] == "slot_reservations"]
    assert {"column": "slot_id", "before": day.here, "after": day.there} in moved["columns"]


async def trail(stage: Stage) -> list[dict[str, Any]]:
    """All that the audit trail tells whoever runs the server: of programmes, too."""
    entries: list[dict[str, Any]] = []
    more: dict[str, Any] = {"limit": 100}
    while more:
        page = await stage.get("/v1/audit", by=ROOT, order="oldest", **more)
        entries += page["entries"]
        more = {"limit": 100, "after": page["next"]} if "next" in page else {}
    return entries


@pytest.mark.turned_off(
    "part:server_sync.authority.expiry:TIMER->tests.scenarios.standins:SOMEBODY",
    "part:server_sync.authority.ledger:touched=[]",
)  # fmt: skip
async def test_T18_what_the_system_does_by_itself_is_audited_too(stage: Stage) -> None:
    slot = await stage.festival.slot()
    hold = {"slot_id": slot, "reserved_name": "Ada", "ttl_seconds": 1}
    held = (await stage.command("reservation.hold", hold))["reservation_id"]
    async with asyncio.timeout(10):
        while (await stage.reservation(held))["claim"] == "held":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    entries = (await stage.get("/v1/audit", row=held, order="oldest"))["entries"]
    assert [(entry["actor"], entry["principal"], entry["kind"], entry["status"]) for entry in entries[1:]] == [
        ("Callboard", "timer", "hold.expire", "applied")
    ]
    assert await changed(stage, held, "claim") == [
        ("reservation.hold", None, "held"), ("hold.expire", "held", "expired"),
    ]  # fmt: skip


async def changed(stage: Stage, row: Id, column: str) -> list[tuple[str, object, object]]:
    """The kind of each command that changed that column of a row, and the value before and after."""
    return [
        (entry["kind"], part["before"], part["after"])
        for entry in (await stage.get("/v1/audit", row=row, order="oldest"))["entries"]
        for change in entry["changes"]
        if change["id"] == row
        for part in change["columns"]
        if part["column"] == column
    ]


async def happened(stage: Stage, reservation: Id) -> list[tuple[str, object, object]]:
    """Each fact that was recorded of a reservation, as the audit trail tells it: what it is, before and after."""
    return [
        (entry["kind"], part["before"], part["after"])
        for entry in (await stage.get("/v1/audit", row=reservation, order="oldest"))["entries"]
        for change in entry["changes"]
        if change["table"] == "attendance"
        for part in change["columns"]
        if part["column"] == "kind"
    ]


@pytest.mark.turned_off(
    "part:server_sync.authority.ledger:_difference=({}, {})", "part:server_sync.authority.ledger:touched=[]",
    "part:server_sync.authority.queries.audit:_change->tests.scenarios.standins:without_values",
)  # fmt: skip
async def test_R22_each_step_of_an_rsvp_is_logged(stage: Stage) -> None:
    """Made, waitlisted, promoted, checked in, cancelled: the status before and after, the spots, what it came with."""
    event = await stage.create("event", name="Life drawing", waitlist_enabled=True, location_ids=[stage.festival.room])
    stage.festival.event = event
    slot = await stage.festival.slot(capacity=3)
    metadata = {"from": "newsletter"}
    first = await stage.reserve(slot, guests=2, metadata=metadata)
    waiting = await stage.reserve(slot, reserved_name="Ben", guests=1, on_full="waitlist")
    await stage.command("attendance.arrive", {"reservation_id": first})
    await stage.command("reservation.cancel", {"reservation_id": first})
    assert await changed(stage, first, "claim") == [
        ("reservation.reserve", None, "reserved"), ("reservation.cancel", "reserved", "cancelled"),
    ]  # fmt: skip
    assert await changed(stage, waiting, "claim") == [
        ("reservation.reserve", None, "waitlisted"), ("reservation.cancel", "waitlisted", "reserved"),
    ]  # fmt: skip
    assert await changed(stage, first, "spots") == [("reservation.reserve", None, 3)]
    assert await changed(stage, waiting, "spots") == [("reservation.reserve", None, 2)]
    assert await changed(stage, first, "metadata") == [("reservation.reserve", None, metadata)]
    assert await happened(stage, first) == [("attendance.arrive", None, "arrived")], "nobody had come before"
    assert await happened(stage, waiting) == []
    told = [entry["words"][6:] for entry in (await stage.get(f"/v1/history/{waiting}"))["entries"]]
    assert told[0].startswith("Grace put Ben on the waitlist of Life drawing")
    assert told[1].startswith("Ben was promoted from the waitlist when Grace cancelled the reservation of Somebody")
    assert all(entry["received_at"] for entry in (await stage.get("/v1/audit", row=first))["entries"])
