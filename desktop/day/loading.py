"""Whether there is a programme to work from, in words."""

from __future__ import annotations

from desktop.qt.i18n import tr
from desktop.sync.status import Status


def loading_words(status: Status) -> str:
    """Such as "40 % is here", or why nothing comes, while the first copy (or a new one) is not whole; then ""."""
    if status.whole:
        return ""
    if status.detail:
        return status.detail
    done, total = status.filling or (0, 0)
    if not total:
        return tr("Waiting for the server.")
    return tr("{percent} % is here.", percent=min(99, 100 * done // total))
