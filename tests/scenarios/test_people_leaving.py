"""Somebody leaves: his places go to whoever waits, and what is counted of him stays without him."""

from __future__ import annotations

import pytest

from tests.scenarios.stage import Stage

WHO = {"first_name": "Zebedee", "last_name": "Quillfeather", "contact": "zq@example.org", "external_id": "S-4711"}


@pytest.mark.turned_off(
    "command:participant.retire", "part:server_sync.authority.batch:erase",
    "part:server_sync.rules.leave_programme:take_out", "part:server_sync.rules.leave_programme:serve=[]",
)  # fmt: skip
async def test_R23_deleting_a_user_deletes_his_rsvps_and_leaves_anonymous_rows(stage: Stage) -> None:
    show = await stage.festival.slot(capacity=1)
    event = (await stage.row("event_slots", show))["event_id"]
    await stage.command("event.update", {"event_id": str(event), "waitlist_enabled": True})
    full = await stage.festival.slot(capacity=1)
    zeb, other, third = await stage.create("participant", **WHO), *(await stage.people(2))
    his = await stage.reserve(show, zeb, contact="mother@example.org")
    waits = await stage.reserve(show, other, on_full="waitlist")
    await stage.reserve(full, third)
    in_line = await stage.reserve(full, zeb, on_full="waitlist")
    await stage.command("attendance.arrive", {"reservation_id": his})

    left = await stage.refused("participant.retire", {"participant_id": zeb}, "HAS_PEOPLE")
    assert left["reservation_ids"] == sorted([his, in_line])
    about = "SELECT count(*) FROM commands WHERE touched @> ARRAY[$1::text::uuid]"
    rows = await stage.value(about, zeb)
    gone = {"participant_id": zeb, "cancel_claims": True, "reason": "asked to be deleted", "erase": True}
    answer = await stage.command("participant.retire", gone)

    assert (sorted(answer["cancelled"]), answer.get("promoted")) == (sorted([his, in_line]), [waits])
    listed = await stage.get("/v1/reservations", participantId=zeb)
    assert listed["reservations"] == []
    for id in (his, in_line):
        assert (await stage.client.get(f"/v1/reservations/{id}", headers=stage.festival.admin)).status_code == 404
    assert (await stage.reservation(waits))["status"] == "reserved"
    assert await stage.counts(show) == (1, 1)

    assert await stage.value(about, zeb) == rows + 1, "what was counted of him stays"
    assert await stage.value("SELECT count(*) FROM attendance") == 1
    for text in ("Zebedee", "Quillfeather", "zq@example.org", "S-4711", "mother@example.org"):
        for table in ("commands", "participants", "slot_reservations", "flags"):
            told = f"SELECT count(*) FROM {table} t WHERE row_to_json(t)::text ILIKE '%' || $1::text || '%'"
            assert await stage.value(told, text) == 0, f"{table} tells {text}"
