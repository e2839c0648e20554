"""The small festival on which any commands are tried: few rooms, few places, few people, every setting of the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from server_sync.protocol.ids import derived_id

NOON: Final = datetime(2082, 5, 2, 12, 0, tzinfo=UTC)
NOBODY: Final = "00000000-0000-4000-8000-0000000000ff"

PEOPLE = ("Ann", "Bea", "Cyd", "Dot", "Eve", "Fay")


def ground(seed: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Commands (a name to refer to their row by, kind, arguments) that build it, in order.

    An argument ``@name`` stands for the id of the row that the command of that name made. The secrets of its desk and
    staff follow from *seed*: no two programmes may have the same.
    """
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("hall", "location.create", {"name": "Hall", "building": "East"}),
        ("barn", "location.create", {"name": "Barn", "building": "West"}),
        ("foyer", "location.create", {"name": "Foyer", "building": "East"}),
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
        ("long", "event.create", {"name": "Long", "waitlist_enabled": True}),
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
    made.append(("all along", "block.create", {  # beside everything else, so that who is in it is soon in two places
        "event_id": "@long", "location_id": "@foyer", "start_time": NOON, "end_time": NOON + timedelta(minutes=45),
        "capacity": 3,
    }))  # fmt: skip
    desk = {name: derived_id(NOBODY, f"{seed} {name}") for name in ("code", "device", "token", "proof")}
    far = datetime(2150, 1, 1, tzinfo=UTC)
    invitation = {"name": "Desk", "ceiling": "volunteer", "code_id": desk["code"], "expires_at": far}
    made.append(("invitation", "device.invite", invitation))
    made.append(("desk", "device.enrol", {f"{name}_id": id for name, id in desk.items()}))
    made.append(
        ("bea", "staff.create", {"name": "Bea", "role": "volunteer", "token_id": derived_id(NOBODY, f"{seed} bea")})
    )
    made.append(("score", "event_rules.create", {"name": "Score"}))
    made.append(("fifth", "block.create", {
        "event_id": "@by hand", "location_id": "@hall", "start_time": NOON + timedelta(minutes=60),
        "end_time": NOON + timedelta(minutes=90), "manual_slots": True,
    }))  # fmt: skip
    return made
