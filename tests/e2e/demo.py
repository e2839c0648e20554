"""``python3 dev.py demo``: Callboard in earnest, on the demo day or on the files that are given.

With a display it opens a desk; without one (or with ``--play``) two desks play the main job and say each step.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from resources import demo_day
from tests.e2e.house import House, load_demo_day, running
from tests.e2e.main_job import MainJob, say


def main() -> int:
    """Exit code 0 if everything that was promised held."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument(
        "--data", nargs="+", type=Path, metavar="FILE", help="schedules and rosters instead of the demo day"
    )
    parser.add_argument("--play", action="store_true", help="play the main job even where there is a display")
    options = parser.parse_args()
    files = [path.resolve() for path in options.data or ()]
    for path in files:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    folder = Path(tempfile.mkdtemp(prefix="callboard-demo-"))
    folder.chmod(0o755)
    try:
        with running(folder) as house:
            _load(house, files)
            if _has_display() and not options.play:
                return _open(house, folder)
            return _play(house, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_display() -> bool:
    chosen = os.environ.get("QT_QPA_PLATFORM")
    if chosen is not None:
        return chosen not in ("offscreen", "minimal")
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _load(house: House, files: list[Path]) -> None:
    """Import the files, or the demo day placed on today."""
    if files:
        house.programme = house.ask("POST", "/v1/programmes", {"name": files[0].stem})["id"]
        say(f"Importing {', '.join(path.name for path in files)}.")
        house.command_line("import", "--programme", house.programme, *map(str, files))
    else:
        facts = demo_day.day()
        say(f"Importing the demo day, {facts.name}: a talent competition in 8 rooms.")
        load_demo_day(house, datetime.now(ZoneInfo(facts.time_zone)).date())


def _open(house: House, folder: Path) -> int:
    """A desk for whoever sits here; everything stops when its window closes."""
    code = house.invite("Main hall desk")
    say("A desk opens. Close its window to end the demo.")
    return subprocess.run(
        [
            sys.executable, "-m", "desktop.app", "--profile", str(folder / "desk"), "--server",
            f"http://127.0.0.1:{house.port}", "--enrol", code,
        ],
        check=False,
    ).returncode  # fmt: skip


def _play(house: House, folder: Path) -> int:
    pictures = Path.cwd() / "demo-output"
    pictures.mkdir(exist_ok=True)
    began = time.monotonic()
    held = MainJob(house, folder, pictures).play()
    words = "Every step held" if held else "Something did not hold"
    say(f"{words}; the play took {time.monotonic() - began:.0f} s.")
    say(f"Pictures of the screens are in {pictures.name}/.")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
