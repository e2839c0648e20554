"""What a server remembers of slots, blocks and events, to know what to lock."""

from __future__ import annotations

import pytest

from server_sync.authority.discover import Hints
from server_sync.authority.load import Loaded
from server_sync.protocol.records import Event
from server_sync.rules.state import Keys
from tests.unit.day import Day


def loaded(*names: str) -> Loaded:
    """What a batch read: some new events."""
    day, state = Day(), Loaded(Keys())
    for name in names:
        event = day.state.get(Event, day.create("event", name=name))
        assert event is not None
        state.put(event)
    return state


def test_a_discovery_under_way_keeps_what_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hints, "MOST", 2)
    hints, first, later = Hints(), loaded("A", "B", "C"), loaded("D")
    hints.learn(first)
    under_way = hints.discovery(thorough=False)
    hints.learn(later)
    assert under_way.rows[Event] == first.rows[Event], "nothing that it found is gone"
    assert hints.discovery(thorough=False).rows[Event] == later.rows[Event], "and there is an end to it"
