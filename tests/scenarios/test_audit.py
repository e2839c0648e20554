"""The audit trail: every change, who made it, what it changed, and when."""

from __future__ import annotations

import msgspec
import pytest

from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage


@pytest.mark.turned_off(
    "face:GET /v1/audit",
    "part:server_sync.authority.ledger:touched=[]",
    "part:server_sync.authority.queries.audit:_change",
)
async def test_T18_every_change_is_audited(stage: Stage) -> None:
    """Actor, action, target's type and id, payload, time: of each row that a day of all sorts of commands wrote."""
    here, there = await stage.festival.slot(), await stage.festival.slot()
    ada = await stage.festival.person()
    claim = await stage.reserve(here, ada)
    await stage.command("reservation.move", {"reservation_id": claim, "slot_id": there}, by=stage.festival.manager)
    await stage.command("attendance.arrive", {"reservation_id": claim}, by=stage.festival.volunteer)
    await stage.command("reservation.cancel", {"reservation_id": claim})
    await stage.refused("reservation.move", {"reservation_id": claim, "slot_id": here}, "NOT_LIVE")
    trail = (await stage.get("/v1/audit", limit=500, order="oldest"))["entries"]
    written = {(change["table"], change["id"]) for entry in trail for change in entry["changes"]}
    for table in (
        "locations", "events", "event_locations", "event_time_blocks", "event_slots", "participants", "attendance",
        "slot_reservations", "reservation_members",
    ):  # fmt: skip
        rows = {(table, str(row["id"])) for row in await stage.sql.fetch(f"SELECT id FROM {table}")}
        assert rows, table
        assert rows <= written, f"rows of {table} that no entry made"
    of_claim = (await stage.get("/v1/audit", row=claim, order="oldest"))["entries"]
    assert [(entry["actor"], entry["kind"], entry["status"]) for entry in of_claim] == [
        ("Grace", "reservation.reserve", "applied"), ("Max", "reservation.move", "applied"),
        ("Vera", "attendance.arrive", "applied"), ("Grace", "reservation.cancel", "applied"),
        ("Grace", "reservation.move", "rejected"),
    ]  # fmt: skip
    assert all(entry["received_at"] for entry in of_claim)
    assert of_claim[1]["args"] == {"reservation_id": claim, "slot_id": there}
    (moved,) = [change for change in of_claim[1]["changes"] if change["table"] == "slot_reservations"]
    assert {"column": "slot_id", "before": here, "after": there} in moved["columns"]


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


@pytest.mark.turned_off(
    "face:GET /v1/audit", "face:GET /v1/history/{id}", "part:server_sync.authority.ledger:_difference=({}, {})"
)
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
    arrived = await stage.value("SELECT effects::text FROM commands WHERE kind = 'attendance.arrive'")
    assert "arrived" in [row[3].get("kind") for row in msgspec.json.decode(arrived)]
    told = [entry["words"][6:] for entry in (await stage.get(f"/v1/history/{waiting}"))["entries"]]
    assert told[0].startswith("Grace put Ben on the waitlist of Life drawing")
    assert told[1].startswith("Ben was promoted from the waitlist when Grace cancelled the reservation of Somebody")
    assert all(entry["received_at"] for entry in (await stage.get("/v1/audit", row=first))["entries"])
