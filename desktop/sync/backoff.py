"""How long to wait before asking again: full jitter, so that a hundred desks do not come back at the same moment."""

from __future__ import annotations

from desktop.sync.ports import Random

LONGEST = 60.0


class Backoff:
    """U(0, min(60 s, 2ⁿ)) after the n-th failure in a row; what the server asks for comes first."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.failures = 0

    def reset(self) -> None:
        """Something succeeded, or somebody poked: begin anew."""
        self.failures = 0

    def wait(self, retry_after: float | None = None) -> float:
        """Count one more failure; the seconds to wait."""
        self.failures += 1
        ceiling = min(LONGEST, 2.0 ** min(self.failures, 10))
        jitter = self._random.uniform(0.0, ceiling)
        return jitter if retry_after is None else max(0.0, retry_after) + self._random.uniform(0.0, 1.0)
