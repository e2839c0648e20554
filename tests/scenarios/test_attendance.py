"""What happened in the world: arrivals, performances, and who did not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.stage import Stage


@pytest.mark.turned_off("command:attendance.arrive", "part:server_sync.rules.attendance:party={}")
async def test_T34_R18_a_check_in_is_logged_with_its_time(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=3)
    ada, bo = await stage.people(2)
    by_volunteer, by_admin = await stage.reserve(slot, ada), await stage.reserve(slot, bo)
    assert "checked_in_at" not in await stage.reservation(by_volunteer)
    began = datetime.now(UTC) - timedelta(seconds=5)
    said_at = datetime.now(UTC) - timedelta(minutes=4)
    await stage.command("attendance.arrive", {"reservation_id": by_volunteer}, by=stage.festival.volunteer)
    await stage.command("attendance.arrive", {"reservation_id": by_admin}, occurred_at=said_at.isoformat())
    first, second = await stage.reservation(by_volunteer), await stage.reservation(by_admin)
    assert (first["status"], second["status"]) == ("checked_in", "checked_in")
    assert began < datetime.fromisoformat(first["checked_in_at"]) < datetime.now(UTC) + timedelta(seconds=5)
    assert datetime.fromisoformat(second["checked_in_at"]) == said_at
    (fact,) = first["attendance"]
    assert (fact["kind"], fact["actor"], fact["participant_id"]) == ("arrived", "Vera", ada)
    logged = await stage.sql.fetchrow("SELECT kind, actor, status FROM commands WHERE id = $1", fact["command_id"])
    assert tuple(logged) == ("attendance.arrive", "Vera", "applied")
    assert await stage.value("SELECT count(*) FROM attendance WHERE kind = 'arrived'") == 2
    reply = await stage.client.put(f"/v1/reservations/{by_admin}", json={"action": "check_in"})
    assert reply.status_code == 401, "nobody checks in without a token"


@pytest.mark.turned_off(
    "part:server_sync.rules.attendance:word->tests.scenarios.standins:claims_own_word",
    "part:server_sync.rules.attendance:party={}", "command:attendance.perform", "command:attendance.no_show",
)  # fmt: skip
async def test_T35_who_came_performs_and_who_did_not_is_a_no_show(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=3)
    here, absent = [await stage.reserve(slot, person) for person in await stage.people(2)]
    for kind, claim, word in (
        ("arrive", here, "checked_in"),
        ("perform", here, "performed"),
        ("no_show", absent, "no_show"),
    ):
        await stage.command(f"attendance.{kind}", {"reservation_id": claim}, by=stage.festival.volunteer)
        assert (await stage.reservation(claim))["status"] == word
    assert (await stage.reservation(here))["performed_at"] >= (await stage.reservation(here))["checked_in_at"]
    flags = (await stage.get("/v1/flags"))["flags"]
    assert flags == [], "nothing about this was surprising"
    assert await stage.counts(slot) == (2, 2), "a no-show keeps its place until somebody gives it away"
