"""The pictures can be made, each under its own name."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from tests.gui import pictures, screenshots


async def test_a_picture_is_drawn_light_and_dark(qapp: QApplication, tmp_path: Path) -> None:
    assert pictures.desk_busy in [picture.build for picture in screenshots.PICTURES]
    files = await screenshots.draw(tmp_path, {"desk-busy"})
    assert [file.name for file in files] == ["desk-busy-light.png", "desk-busy-dark.png"]
    light, dark = (QImage(str(file)) for file in files)
    assert light.size() == screenshots.SIZE
    assert light.pixelColor(300, 600).lightnessF() > 0.9
    assert dark.pixelColor(300, 600).lightnessF() < 0.1


def test_names_are_not_used_twice() -> None:
    names = [picture.name for picture in screenshots.PICTURES]
    assert len(names) == len(set(names))
