"""Words for people: English in the source, other languages from a catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping

from desktop.qt.resources import resource_path

_catalogue: dict[str, str] = {}


def tr(text: str, **values: object) -> str:
    """Return `text` in the language in use, with `{name}` fields filled from `values`."""
    words = _catalogue.get(text, text)
    return words.format(**values) if values else words


def use_catalogue(catalogue: Mapping[str, str]) -> None:
    """Take `catalogue` (English to another language) from now on; empty means English."""
    _catalogue.clear()
    _catalogue.update(catalogue)


def load_language(code: str) -> None:
    """Use the language `code` ("en", "de", …) from `resources/translations/<code>.json`.

    Raises FileNotFoundError when there is no such catalogue; English needs none.
    """
    if code == "en":
        use_catalogue({})
        return
    use_catalogue(json.loads(resource_path("translations", f"{code}.json").read_text(encoding="utf-8")))


def languages() -> list[str]:
    """List the codes of the languages that can be chosen, English first."""
    folder = resource_path("translations")
    found = sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []
    return ["en", *found]
