"""A desk as a real process, driven through its screen by lines of JSON (see ``desk_driver``)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

ANSWER_SECONDS = 60.0


class Desk:
    """One desk. ``start`` may be called again after ``kill``: the profile stays."""

    def __init__(self, name: str, profile: Path, server: str, code: str, programme: list[str] | None = None) -> None:
        """*programme* is the command line of the driver; None runs it from the sources."""
        self.name = name
        self._programme = programme or [sys.executable, "-m", "tests.e2e.desk_driver"]
        self.profile = profile
        self._server = server
        self._code: str | None = code
        self._process: subprocess.Popen[str] | None = None
        self._answers: Queue[str | None] = Queue()

    def start(self) -> None:
        """Start the process and wait until its screen is there."""
        command = [*self._programme, "--profile", str(self.profile)]
        if self._code is not None:
            command += ["--server", self._server, "--enrol", self._code]
        self._answers = Queue()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"},
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self._process, self._answers), daemon=True).start()
        self.do("ready")
        self._code = None

    def send(self, what: str, **more: Any) -> None:
        """Say what to do, and don't wait for it."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError(f"{self.name} is not running")
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()

    def answer(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any] | None:
        """The next answer, or None if the process is gone; raises RuntimeError if there is none in time."""
        try:
            line = self._answers.get(timeout=seconds)
        except Empty:
            raise RuntimeError(f"{self.name} did not answer within {seconds:.0f} s") from None
        return None if line is None else json.loads(line)

    def do(self, what: str, **more: Any) -> dict[str, Any]:
        """Have it done, and return what the screen then said; raises RuntimeError with the words if it didn't."""
        self.send(what, **more)
        said = self.answer()
        if said is None:
            raise RuntimeError(f"{self.name} stopped during {what}")
        if not said.get("ok"):
            raise RuntimeError(f"{self.name} could not {what} {more}: {said.get('error')}")
        return said

    def kill(self) -> None:
        """As a power cut would: SIGKILL, no farewell."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            self._gone()

    def quit(self) -> None:
        """Close the window as a person would."""
        if self._process is None:
            return
        with contextlib.suppress(RuntimeError, OSError):
            self.do("quit")
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            self._gone()

    def _gone(self) -> None:
        """Bury the process and its pipes."""
        process, self._process = self._process, None
        if process is not None:
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()

    @staticmethod
    def _read(process: subprocess.Popen[str], answers: Queue[str | None]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                answers.put(line)
        answers.put(None)
