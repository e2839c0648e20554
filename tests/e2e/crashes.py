"""A desk, offline, is killed with SIGKILL at a random moment of 30 check-ins, again and again.

``python -m tests.e2e.crashes [--rounds N] [--seed S]``: what its screen had confirmed must be at the centre once the
line is back, once each.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resources import demo_day
from tests.e2e.desk import Desk
from tests.e2e.house import House, load_demo_day, running
from tests.e2e.line import Line

CHECK_INS: Final = 30
PACE: Final = 0.25  # seconds that a check-in takes, roughly: the moment of the crash is drawn from the whole run
PEOPLE: Final = """
SELECT r.ref FROM slot_reservations r JOIN event_slots s ON s.id = r.slot_id
 WHERE r.programme_id = '{programme}' AND r.claim = 'reserved' AND r.spots = 1 AND r.participant_id IS NOT NULL
 ORDER BY s.start_time, r.id LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one crash: how many check-ins the screen confirmed, which of them are lost or doubled."""

    confirmed: int
    lost: int
    doubled: int
    unconfirmed_kept: int


def crash(house: House, folder: Path, name: str, at: float, from_the_first: bool) -> Round:
    """One desk's life: enrolled, cut off, killed *at* seconds into its check-ins, started again, and let back in.

    With *from_the_first* the seconds count from the first that was confirmed.
    """
    load_demo_day(house, demo_day.day().date)  # a programme of its own: nobody in it is here yet
    people = house.sql(PEOPLE.format(programme=house.programme, limit=CHECK_INS))
    line = Line(house.port)
    desk = Desk(name, folder / name, f"http://127.0.0.1:{line.port}", house.invite(name))
    try:
        desk.start()
        device = desk.do("ready")["device"]
        line.cut()
        confirmed = _check_in_until_killed(desk, [row["ref"] for row in people], at, from_the_first)
        desk.start()
        line.heal()
        desk.do("wait", **{"for": "online"}, seconds=60)
        desk.do("wait", **{"for": "sent"}, seconds=60)
        desk.quit()
    finally:
        desk.kill()
        line.close()
    facts = house.sql(
        f"SELECT c.id, c.status, (SELECT count(*) FROM attendance a WHERE a.command_id = c.id) AS facts FROM commands c"
        f" WHERE c.device_id = '{device}'"
    )
    applied = {row["id"]: row["facts"] for row in facts if row["status"] == "applied"}
    lost = sum(command not in applied for command in confirmed)
    return Round(
        len(confirmed), lost, sum(count != 1 for count in applied.values()), len(set(applied) - set(confirmed))
    )


def _check_in_until_killed(desk: Desk, refs: list[str], at: float, from_the_first: bool) -> list[str]:
    """The commands that the screen confirmed before the process died, *at* seconds after the start or the first."""
    assassin = threading.Timer(at, desk.kill)
    confirmed: list[str] = []
    if not from_the_first:
        assassin.start()
    try:
        for ref in refs:
            if len(confirmed) == 1 and from_the_first:
                assassin.start()
            try:
                desk.send("check_in", who=ref)
            except (OSError, RuntimeError, ValueError):
                break
            said = desk.answer()
            if said is None:
                break
            if not said["ok"]:
                raise RuntimeError(f"{desk.name}: {said['error']}")
            confirmed.append(said["command"])
    finally:
        if assassin.ident is not None:
            assassin.join()
        desk.kill()
    return confirmed


def run(rounds: int, seed: int) -> list[Round]:
    """Crash *rounds* desks of one centre; prints each."""
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="callboard-crashes-"))
    folder.chmod(0o755)
    done: list[Round] = []
    try:
        with running(folder, workers=1) as house:
            for number in range(1, rounds + 1):
                at = chance.uniform(0.05, CHECK_INS * PACE)
                began = time.monotonic()
                # of two, one is let confirm something first, however slow the machine
                done.append(crash(house, folder, f"desk-{number}", at, from_the_first=number % 2 == 0))
                print(f"{number}: killed after {at:.2f} s, {done[-1]}, {time.monotonic() - began:.0f} s", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def main() -> int:
    """Exit code 0 if nothing that was confirmed is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    done = run(options.rounds, options.seed)
    confirmed = sum(entry.confirmed for entry in done)
    lost, doubled = sum(entry.lost for entry in done), sum(entry.doubled for entry in done)
    print(f"{len(done)} crashes, {confirmed} confirmed check-ins, {lost} lost, {doubled} doubled")
    return 0 if lost == doubled == 0 and confirmed else 1


if __name__ == "__main__":
    raise SystemExit(main())
