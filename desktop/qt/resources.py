"""Where the files that ship with the desk lie, in a source tree and in a bundle alike."""

from __future__ import annotations

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Return the path of a shipped file below `resources/`; it need not exist."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle is not None else Path(__file__).resolve().parents[2]
    return root.joinpath("resources", *parts)
