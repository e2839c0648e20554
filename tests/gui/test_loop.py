"""The event loop, as a program of its own: it runs, stops in order, and does not swallow errors."""

from __future__ import annotations

import os
import subprocess
import sys

HEAD = """
import asyncio
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget
from desktop.qt.loop import run
app = QApplication([])
"""


def run_program(body: str) -> subprocess.CompletedProcess[str]:
    """Run a small program with the loop in it, offscreen, for at most 20 seconds."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-W", "error", "-c", HEAD + body]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment, check=False)


def test_closing_the_last_window_stops_main_in_order() -> None:
    result = run_program(
        """
async def main(stop):
    window = QWidget()
    window.show()
    async def ticking():
        try:
            await asyncio.sleep(60)
        finally:
            print("task ended")
    task = asyncio.get_running_loop().create_task(ticking())
    QTimer.singleShot(50, window.close)
    await stop.wait()
    print("stopping")
    return 7
print("result", run(app, main))
"""
    )
    assert result.stdout.splitlines() == ["stopping", "task ended", "result 7"], result.stderr
    assert result.returncode == 0
    assert result.stderr == ""


def test_an_exception_of_main_comes_out() -> None:
    result = run_program(
        """
async def main(stop):
    await asyncio.sleep(0.01)
    raise RuntimeError("broken on purpose")
run(app, main)
"""
    )
    assert result.returncode == 1
    assert "RuntimeError: broken on purpose" in result.stderr


def test_a_million_calls_do_not_use_up_none() -> None:
    result = run_program(
        """
widget = QWidget()
for _ in range(200_000):
    widget.setAccessibleName("")
print("alive")
"""
    )
    assert result.stdout == "alive\n", result.stderr
    assert result.returncode == 0
