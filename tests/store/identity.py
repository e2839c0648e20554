"""Who the desk of these tests is."""

from __future__ import annotations

from desktop.store.outbox import Identity
from server_sync.protocol.ids import derived_id
from tests.sync.small_day import ROOT


def identity(programme: str = ROOT) -> Identity:
    """A desk that may do everything."""
    return Identity(
        device=derived_id(ROOT, "this device"), name="Main desk", ceiling="admin", programme=programme,
        programme_name="Spring Festival", practice=False, server="http://localhost",
    )  # fmt: skip
