"""Colour tokens: one file of names, each with a light and a dark value. Free of Qt."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import lru_cache

from desktop.qt.resources import resource_path


class Scheme(StrEnum):
    """Which of the two values of each token is in use."""

    LIGHT = "light"
    DARK = "dark"


@lru_cache(maxsize=1)
def load_tokens() -> dict[str, dict[str, str]]:
    """Read `resources/theme/tokens.json`: token name to {"light": "#rrggbb", "dark": "#rrggbb"}."""
    tokens: dict[str, dict[str, str]] = json.loads(resource_path("theme", "tokens.json").read_text(encoding="utf-8"))
    return tokens


def token_value(name: str, scheme: Scheme) -> str:
    """Return the `#rrggbb` of a token; KeyError for a name that the file lacks."""
    return load_tokens()[name][scheme.value]


def _channel(value: int) -> float:
    """Linearise one 8-bit sRGB channel (WCAG 2.2, relative luminance)."""
    part = value / 255
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.2126 * _channel(red) + 0.7152 * _channel(green) + 0.0722 * _channel(blue)


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21, as WCAG 2.2 defines it."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
