"""The title of a flag, for each reason that the rules have to raise one."""

from __future__ import annotations

from typing import Final

from desktop.qt.i18n import tr
from server_sync.rules.attend import KINDS

_TITLES: Final[dict[str, str]] = {
    "arrived_twice": "{name} was checked in twice, and that is fine",
    "performed_twice": "{name} was marked as done twice, and that is fine",
    "no_show_twice": "{name} was marked as a no-show twice",
    "arrived_after_move": "{name} was moved before the check-in arrived",
    "performed_after_move": "{name} was moved before it was known that they performed",
    "no_show_after_move": "{name} was moved before the no-show was known",
    "arrived_at_wrong_time": "{name} was checked in, but the desk's clock was wrong: the time is when it was heard of",
    "performed_at_wrong_time": "{name} was marked as done, but the desk's clock was wrong",
    "no_show_at_wrong_time": "{name} was marked as a no-show, but the desk's clock was wrong",
    "arrived_outside_party": "Checked in, but not in the party of {name}: {others}",
    "performed_outside_party": "Marked as done, but not in the party of {name}: {others}",
    "no_show_outside_party": "Marked as a no-show, but not in the party of {name}: {others}",
    "arrived_on_cancelled": "{name} was checked in, but the reservation is cancelled",
    "performed_on_cancelled": "{name} was marked as done, but the reservation is cancelled",
    "no_show_on_cancelled": "{name} was marked as a no-show, but the reservation is cancelled",
    "arrived_on_expired": "{name} was checked in, but the hold has expired",
    "performed_on_expired": "{name} was marked as done, but the hold has expired",
    "no_show_on_expired": "{name} was marked as a no-show, but the hold has expired",
    "arrived_on_held": "{name} was checked in, but the place is only on hold",
    "performed_on_held": "{name} was marked as done, but the place is only on hold",
    "no_show_on_held": "{name} was marked as a no-show, but the place is only on hold",
    "arrived_on_waitlisted": "{name} was checked in, but is still waiting for a place",
    "performed_on_waitlisted": "{name} was marked as done, but is still waiting for a place",
    "no_show_on_waitlisted": "{name} was marked as a no-show, but is still waiting for a place",
    "performed_without_arrival": "{name} performed without being checked in",
    "no_show_after_arrival": "{name} was marked as a no-show, but is here",
}


def flag_title(reason: str, name: str, others: str) -> str:
    """What a flag about the claim of *name* says; *others* are those whom its details name.

    A newer centre may have reasons that nobody here has heard of: they are shown in its own words.
    """
    words = _TITLES.get(reason)
    return (
        tr("{name}: {what}", name=name, what=_spelt(reason)) if words is None else tr(words, name=name, others=others)
    )


def _spelt(reason: str) -> str:
    """A reason with spaces; "no-show" stays one word."""
    kind = next((kind for kind in KINDS.values() if reason.startswith(f"{kind}_")), "")
    return f"{kind.replace('_', '-')}{reason[len(kind) :].replace('_', ' ')}"
