"""Pictures of every screen: `python -m tests.gui.screenshots DIR [NAME…]` writes one PNG for each.

Each module `*pictures.py` in this folder registers its own with `@picture("board-busy")`; each is drawn light and dark
at 1366×768.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from desktop.qt.theme import Appearance, Theme

SIZE = QSize(1366, 768)

Builder = Callable[[Theme], QWidget]


@dataclass(frozen=True)
class Picture:
    """One picture: its name, what builds the window, and the text scale that it is drawn at."""

    name: str
    build: Builder
    scale: float = 1.0
    schemes: tuple[Appearance, ...] = (Appearance.LIGHT, Appearance.DARK)


PICTURES: list[Picture] = []


def picture(name: str, scale: float = 1.0) -> Callable[[Builder], Builder]:
    """Register a function that builds a whole window for the picture called `name`."""

    def register(build: Builder) -> Builder:
        PICTURES.append(Picture(name, build, scale))
        return build

    return register


def register_all() -> None:
    """Import every module of this folder whose name ends with `pictures`: importing one registers what is in it."""
    for found in sorted(path.stem for path in Path(__file__).parent.glob("*pictures.py")):
        importlib.import_module(f"tests.gui.{found}")


def render(window: QWidget) -> QPixmap:
    """Show `window` at the pictures' size, let Qt lay it out and paint it, and return what it looks like."""
    window.resize(SIZE)
    window.show()
    window.activateWindow()
    for _ in range(3):
        QApplication.processEvents()
    return window.grab()


def end(window: QWidget) -> None:
    """Close `window` and destroy it at once; left to the collector, it would die in an order that Qt can't stand."""
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


async def draw(folder: Path, wanted: set[str]) -> list[Path]:
    """Draw the pictures whose names begin with one of `wanted` (all when empty); return the files."""
    files = []
    for entry in PICTURES:
        if wanted and not any(entry.name.startswith(name) for name in wanted):
            continue
        for scheme in entry.schemes:
            theme = Theme(scheme, entry.scale)
            window = entry.build(theme)
            await asyncio.sleep(0)
            file = folder / f"{entry.name}-{scheme.value}.png"
            if not render(window).save(str(file)):
                raise OSError(f"{file} can't be written.")
            end(window)
            files.append(file)
    return files


def main(arguments: list[str]) -> int:
    """Draw into the folder named first; further arguments choose pictures by the beginning of their names."""
    if not arguments:
        print("usage: python -m tests.gui.screenshots DIR [NAME…]")
        return 2
    application = QApplication.instance() or QApplication([])
    register_all()
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    files = asyncio.run(draw(folder, set(arguments[1:])))
    for file in files:
        print(file)
    del application
    return 0 if files else 1


if __name__ == "__main__":
    # The pictures register with the module by its own name, not with "__main__".
    from tests.gui import screenshots

    sys.exit(screenshots.main(sys.argv[1:]))
