"""The small festival on which any commands are tried: few rooms, few places, few people, every setting of the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.anything.commands import NOON

PEOPLE = ("Ann", "Bea", "Cyd", "Dot", "Eve", "Fay")


def ground() -> list[tuple[str, str, dict[str, Any]]]:
    """Commands (a name to refer to their row by, kind, arguments) that build it, in order.

    An argument ``@name`` stands for the id of the row that the command of that name made.
    """
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("hall", "location.create", {"name": "Hall", "building": "East"}),
        ("barn", "location.create", {"name": "Barn", "building": "West"}),
        ("choir", "group.create", {"name": "Choir"}),
        ("map", "seats.create", {"location_id": "@barn", "seats": [
            {"row": row, "number": n, "seat_type": "standard"} for row in "AB" for n in (1, 2)
        ]}),
        ("open", "event.create", {"name": "Open", "waitlist_enabled": True}),
        ("limited", "event.create", {
            "name": "Limited", "capacity": 3, "waitlist_enabled": True, "waitlist_order": "best_fit",
        }),
        ("seated", "event.create", {"name": "Seated", "waitlist_enabled": True, "seat_type_prices": {"standard": 5}}),
        ("by hand", "event.create", {"name": "By hand"}),
    ]  # fmt: skip
    made += [
        (name, "participant.create", {"display_name": name, "group_id": "@choir" if n < 2 else None})
        for n, name in enumerate(PEOPLE)
    ]
    for name, event, room, start, limit in (
        ("first", "open", "hall", 0, None),
        ("second", "limited", "hall", 30, 4),
        ("third", "limited", "barn", 30, None),
        ("fourth", "seated", "barn", 0, None),
    ):
        begin = NOON + timedelta(minutes=start)
        made.append((name, "block.create", {
            "event_id": f"@{event}", "location_id": f"@{room}", "start_time": begin,
            "end_time": begin + timedelta(minutes=20), "slot_duration_minutes": 10, "max_capacity": limit,
        }))  # fmt: skip
        made.append((f"{name} slots", "block.generate_slots", {"block_id": f"@{name}", "capacity": 2}))
    desk = {
        name: f"00000000-0000-4000-8000-00000000d{n}0{n}" for n, name in enumerate(("code", "device", "token", "proof"))
    }
    far = datetime(2150, 1, 1, tzinfo=UTC)
    invitation = {"name": "Desk", "ceiling": "volunteer", "code_id": desk["code"], "expires_at": far}
    made.append(("invitation", "device.invite", invitation))
    made.append(("desk", "device.enrol", {f"{name}_id": id for name, id in desk.items()}))
    made.append(("bea", "staff.create", {"name": "Bea", "role": "volunteer", "token_id": desk["code"][:-1] + "9"}))
    made.append(("score", "event_rules.create", {"name": "Score"}))
    made.append(("fifth", "block.create", {
        "event_id": "@by hand", "location_id": "@hall", "start_time": NOON + timedelta(minutes=60),
        "end_time": NOON + timedelta(minutes=90), "manual_slots": True,
    }))  # fmt: skip
    return made
