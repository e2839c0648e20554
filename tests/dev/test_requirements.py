"""The tool that says which requirements are proven: it must not believe a test that was never seen to fail."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dev import requirements
from tests.dev.requirements import Outcome, Row, Verdict, judge, read_rows, show

ROOT = Path(__file__).resolve().parents[2]
ROWS = [Row("T01", "Points.", "core"), Row("T37", "A list.", "serve"), Row("T25", "Redis.", "no")]

PLANTED = """
import pytest

from server_sync.rules import transitions
from tests.scenarios.stage import Stage

@pytest.mark.turned_off("command:event.create", "part:server_sync.rules.create:display_name='Nobody'")
async def test_T01_sees_it(stage: Stage) -> None:
    await stage.create("event", name="Any")
    ada = await stage.create("participant", display_name="Ada")
    assert (await stage.row("participants", ada))["display_name"] == "Ada"

@pytest.mark.turned_off("command:reservation.reserve", "part:server_sync.rules.transitions:TRANSITIONS={}")
async def test_T02_T03_does_not_look(stage: Stage) -> None:
    await stage.create("event", name="Any")

@pytest.mark.turned_off("command:no.such")
async def test_T04_names_nothing(stage: Stage) -> None:
    assert stage

@pytest.mark.turned_off("part:server_sync.rules.transitions:TRANSITIONS={}")
async def test_T05_breaks_instead(stage: Stage) -> None:
    if not transitions.TRANSITIONS:
        import no_such_module

def test_T06_has_no_marker() -> None:
    pass

@pytest.mark.turned_off("part:server_sync.rules.transitions:TRANSITIONS={}")
def test_T07_fails_anyway() -> None:
    assert not transitions.TRANSITIONS

@pytest.mark.turned_off("part:server_sync.rules.transitions:TRANSITIONS={}")
def test_T08_is_skipped() -> None:
    pytest.skip("not today")

@pytest.mark.turned_off("constraint:event_slots.ck_event_slots_within_capacity")
async def test_T09_is_about_a_constraint(stage: Stage) -> None:
    query = "SELECT count(*) FROM pg_constraint WHERE conname = 'ck_event_slots_within_capacity'"
    assert await stage.value(query) == 1

@pytest.mark.turned_off("face:GET /v1/events/{event_id}", "command:event.create")
async def test_T10_is_about_whole_things(stage: Stage) -> None:
    await stage.create("event", name="Any")
    await stage.get(f"/v1/events/{stage.festival.event}")

@pytest.mark.turned_off("part:server_sync.rules.blocks:split=()")
async def test_T11_is_about_a_part(stage: Stage) -> None:
    block = await stage.festival.block(slot_duration_minutes=20)
    assert (await stage.command("block.generate_slots", {"block_id": block["id"]}))["slots"] == 3

@pytest.mark.turned_off("environment:CALLBOARD_TEST_PROTECTIONS=nolock")
async def test_T12_is_about_the_environment(stage: Stage) -> None:
    assert stage.app.state.services.authority._lanes.main._batch._locking

@pytest.mark.turned_off("part:server_sync.rules.blocks:new_slot")
async def test_T13_breaks_the_server(stage: Stage) -> None:
    await stage.festival.block()

@pytest.mark.expects_log("could not be carried out")
@pytest.mark.expects_log("failed")
@pytest.mark.turned_off("part:server_sync.rules.create:display_name='Nobody'")
async def test_T14_provokes_the_failure(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from server_sync.authority import batch

    with monkeypatch.context() as patch:
        patch.setattr(batch, "save_cursors", lambda *_: 1 / 0)
        assert (await stage.give("event.create", {"name": "Any"})).status_code == 500
    ada = await stage.create("participant", display_name="Ada")
    assert (await stage.row("participants", ada))["display_name"] == "Ada"

@pytest.mark.turned_off("part:server_sync.api.answers:INTERNAL='other'")
async def test_T15_trips_over_something(stage: Stage) -> None:
    from server_sync.api import answers

    {"INTERNAL": 1}[answers.INTERNAL]
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """What the tool says of planted scenarios, run as they are and with things turned off."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "test_planted.py").write_text(PLANTED)
    paths = [str(folder), "-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest", "-p", "tests.scenarios.conftest"]
    ordinary, off = (requirements.run(paths, 1, disable, folder) for disable in (False, True))
    rows = [Row(f"T{number:02}", "", "core") for number in range(1, 17)]
    return {verdict.row.id: verdict for verdict in judge(rows, "core", ordinary, off)}


def test_a_scenario_that_fails_without_its_thing_proves_its_row(verdicts: dict[str, Verdict]) -> None:
    for id in ("T01", "T09", "T11", "T12", "T14"):
        assert (verdicts[id].state, verdicts[id].good) == ("proven", True), verdicts[id]
    assert "UNKNOWN_KIND" in verdicts["T01"].notes[0], "what was seen is told"


def test_a_scenario_that_does_not_fail_is_reported(verdicts: dict[str, Verdict]) -> None:
    for id in ("T02", "T03"):
        assert (verdicts[id].state, verdicts[id].good) == ("not seen to fail", False)
        assert verdicts[id].notes == [
            "without command:reservation.reserve: passes",
            "without part:server_sync.rules.transitions:TRANSITIONS={}: passes",
        ]


def test_a_failure_for_another_reason_does_not_count(verdicts: dict[str, Verdict]) -> None:
    for id, word in (
        ("T04", "there is no command"), ("T05", "no_such_module"), ("T13", "the server broke: block.create"),
        ("T15", "KeyError"),
    ):  # fmt: skip
        assert (verdicts[id].state, verdicts[id].good) == ("not seen to fail", False)
        assert word in verdicts[id].notes[0]


def test_without_a_marker_a_pass_or_a_test_there_is_no_proof(verdicts: dict[str, Verdict]) -> None:
    states = {id: (verdicts[id].state, verdicts[id].good) for id in ("T06", "T07", "T08", "T16")}
    assert states == {
        "T06": ("nothing turned off", False), "T07": ("failed", False), "T08": ("skipped in part", False),
        "T16": ("no test", False),
    }  # fmt: skip
    assert "not today" in verdicts["T08"].notes[0], "what was skipped says why"


def test_a_row_is_not_proven_by_whole_commands_and_faces(verdicts: dict[str, Verdict]) -> None:
    assert (verdicts["T10"].state, verdicts["T10"].good) == ("only whole things off", False)


def outcome(test: str, outcome: str = "passed", **more: str) -> Outcome:
    """How a test of the file ``test_a.py`` ended."""
    return Outcome(f"tests/scenarios/test_a.py::{test}", outcome, **more)


def test_rows_of_other_rounds_are_asked_for_nothing() -> None:
    states = [(v.state, v.good) for v in judge(ROWS, "core", [outcome("test_T01_points")])]
    assert states == [("passes", True), ("other round", True), ("no", True)]
    states = [(v.state, v.good) for v in judge(ROWS, "serve", [outcome("test_T01_points")])]
    assert states == [("passes", True), ("no test", False), ("no", True)]


def test_one_bad_run_of_several_spoils_the_row() -> None:
    ordinary = [outcome("test_T01_points[a]"), outcome("test_T01_points[b]")]
    seen = {"outcome": "failed", "phase": "call", "raised": "AssertionError"}
    good = outcome("test_T01_points[a]", off="index:a", **seen)
    in_setup = outcome("test_T01_points[b]", off="index:b", **{**seen, "phase": "setup"})
    assert judge(ROWS, "core", ordinary, [good])[0].good
    assert not judge(ROWS, "core", ordinary, [good, in_setup])[0].good
    assert not judge(ROWS, "core", [ordinary[0], outcome("test_T01_other", "skipped")], [good])[0].good
    assert not judge(ROWS, "core", [*ordinary, outcome("test_T01_other")], [good])[0].good, "one was never turned off"


def test_the_exit_code_is_zero_only_if_every_row_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(ROWS, "core", [outcome("test_T01_points")], None) == 0
    assert show(ROWS, "core", [], None) == 1
    assert show(ROWS, "core", [outcome("test_T01_points")], []) == 1
    assert show(ROWS, "core", [outcome("test_T01_T99_points")], None) == 1
    printed = capsys.readouterr().out
    assert "test_T01_T99_points bears T99, which is no requirement" in printed
    assert "T01  core   no test" in printed
    assert "core: 1 no test" in printed


def test_the_table_of_requirements_is_whole() -> None:
    rows = read_rows((ROOT / "tests" / "scenarios" / "requirements.md").read_text())
    assert len(rows) == 247
    assert {row.round for row in rows} == set(requirements.ROUNDS)
    for letter, last in (("C", 18), ("T", 78), ("W", 33), ("S", 28), ("H", 39), ("R", 51)):
        assert [row.id for row in rows if row.id[0] == letter] == [f"{letter}{n:02}" for n in range(1, last + 1)]


@pytest.mark.parametrize("line", ["| T01 | no round |", "| T01 | x | later |", "| T1 | x | core |"])
def test_a_broken_row_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no row"):
        read_rows(line)
    with pytest.raises(ValueError, match="twice"):
        read_rows("| T01 | x | core |\n| T01 | y | core |")


def test_the_subcommand_passes_its_exit_code_on() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "dev.py", "requirements", "core", "--disable", "serve"],
        capture_output=True, text=True, env=os.environ | {"COLUMNS": "100"},
    )  # fmt: skip
    assert run.returncode == 2
    assert "one round at a time" in run.stderr


def test_every_part_that_a_scenario_turns_off_is_there() -> None:
    """What was renamed would be found out by the long run alone."""
    missing: list[str] = []
    for path in (ROOT / "tests" / "scenarios").glob("test_*.py"):
        for module, name in re.findall(r"part:([\w.]+):([\w.]+)", path.read_text(encoding="utf-8")):
            found: object = importlib.import_module(module)
            for step in name.split("."):
                found = getattr(found, step, missing)
            if found is missing:
                missing.append(f"{path.name}: {module}:{name}")
    assert missing == []
