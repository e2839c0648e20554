"""Registrations as documents 2 and 5 speak of them: what is kept of one, and how many an event has of each kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.scenarios.stage import Stage, refusal
from tests.scenarios.test_waitlists import cancel, join, queue


def status_in_documents_2_and_5(kept: dict[str, Any]) -> str:
    """What those documents call a registration: *confirmed* is every reserved claim, confirmed by somebody or not."""
    return "confirmed" if kept["claim"] == "reserved" else str(kept["claim"])


@pytest.mark.turned_off(
    "part:server_sync.rules.reserve:whose={}", "part:server_sync.rules.reserve:keeps_line=False",
    "part:server_sync.rules.attendance:word->tests.scenarios.standins:claims_own_word",
)  # fmt: skip
async def test_W17_a_registration_keeps_user_event_status_and_time(stage: Stage) -> None:
    """The status in our reads is *reserved* until somebody confirms it; the document's follows from the claim."""
    event, slot = await queue(stage)
    ada = await stage.festival.person()
    id = await join(stage, slot, ada)
    kept = await stage.reservation(id)
    assert (kept.get("participant_id"), kept["event_id"], kept["status"]) == (ada, event, "reserved")
    assert status_in_documents_2_and_5(kept) == "confirmed", "which is the default"
    assert kept["reserved_at"].endswith(("Z", "+00:00"))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(kept["reserved_at"])).total_seconds()) < 60
    args = {"slot_id": slot, "reserved_name": "Bo", "on_full": "waitlist"}
    reply = await stage.give("reservation.reserve", args)
    assert reply.status_code == 200, reply.text
    waits = await stage.reservation(reply.json()["details"]["reservation_id"])
    assert (waits["status"], status_in_documents_2_and_5(waits)) == ("waitlisted", "waitlisted")
    await stage.command("reservation.confirm", {"reservation_id": id})
    kept = await stage.reservation(id)
    assert (kept["status"], status_in_documents_2_and_5(kept)) == ("confirmed", "confirmed")
    await cancel(stage, id)
    gone = await stage.reservation(id)
    assert (gone["status"], status_in_documents_2_and_5(gone)) == ("cancelled", "cancelled")


@pytest.mark.turned_off(
    "face:GET /v1/events/{event_id}/counts", "part:server_sync.authority.queries.reservations:counts={}"
)
async def test_R19_an_events_counts_are_those_of_its_reservations(stage: Stage) -> None:
    event, slot = await queue(stage, capacity=6)
    ids = [await join(stage, slot, guests=1) for _ in range(4)]
    await stage.command("reservation.confirm", {"reservation_id": ids[0]})
    await stage.command("attendance.arrive", {"reservation_id": ids[1]})

    async def counted() -> dict[str, tuple[int, int]]:
        found = (await stage.get(f"/v1/events/{event}/counts"))["counts"]
        return {one["status"]: (one["reservations"], one["spots"]) for one in found if one["reservations"]}

    assert await counted() == {"confirmed": (1, 2), "checked_in": (1, 2), "reserved": (1, 2), "waitlisted": (1, 2)}
    await cancel(stage, ids[0])
    assert await counted() == {"cancelled": (1, 2), "checked_in": (1, 2), "reserved": (2, 4)}
    assert await stage.counts(slot) == (6, 6)
    refusal(await stage.client.get(f"/v1/events/{stage.elsewhere()}/counts", headers=stage.festival.admin), "NOT_FOUND")
