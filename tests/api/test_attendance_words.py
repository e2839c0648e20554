"""The one word of a reservation, as a row tells it and as the list is filtered by it: they must agree."""

from __future__ import annotations

import pytest

from tests.api.festival import Festival

SAID = [
    ([], "reserved"),
    ([("attendance.no_show", 5), ("attendance.arrive", 9)], "checked_in"),
    ([("attendance.arrive", 1), ("attendance.no_show", 5)], "no_show"),
    ([("attendance.arrive", 1), ("attendance.no_show", 5), ("attendance.arrive", 9)], "checked_in"),
    ([("attendance.no_show", 1), ("attendance.arrive", 5), ("attendance.no_show", 9)], "no_show"),
    ([("attendance.no_show", 1), ("attendance.perform", 5)], "performed"),
]


@pytest.mark.parametrize(("said", "word"), SAID)
async def test_the_latest_word_counts(festival: Festival, said: list[tuple[str, int]], word: str) -> None:
    slot = await festival.slot()
    claim = (await festival.reserve(slot, await festival.person()))["reservation_id"]
    for kind, minute in said:
        body = {"kind": kind, "args": {"reservation_id": claim}, "occurred_at": f"2026-03-14T10:{minute:02}:00Z"}
        reply = await festival.client.post("/v1/commands", json=body, headers=festival.volunteer)
        assert reply.status_code == 200, reply.text
    one = (await festival.client.get(f"/v1/reservations/{claim}", headers=festival.volunteer)).json()
    assert one["status"] == word
    for each in ("reserved", "checked_in", "no_show", "performed"):
        reply = await festival.client.get("/v1/reservations", params={"status": each}, headers=festival.volunteer)
        found = [row["id"] for row in reply.json()["reservations"]]
        assert found == ([claim] if each == word else []), each
