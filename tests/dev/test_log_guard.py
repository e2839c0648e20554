"""The guard that fails a test for an unexpected log line, seen to bite and to let pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import logging
import pytest

def test_quiet():
    logging.getLogger("ours").info("nothing to see")

def test_unexpected():
    logging.getLogger("ours").warning("the roof leaks")

@pytest.mark.expects_log("roof")
def test_expected():
    logging.getLogger("ours").warning("the roof leaks")

@pytest.mark.expects_log("roof")
def test_expected_and_missing():
    pass

@pytest.mark.expects_log("roof")
def test_another_than_expected():
    logging.getLogger("ours").warning("the roof leaks")
    logging.getLogger("ours").error("the cellar too")
"""


def test_the_guard_bites(tmp_path: Path) -> None:
    """Unexpected, missing and other records fail; expected and quiet ones do not."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import no_unexpected_log\n")
    (tmp_path / "test_logs.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = expects_log: see tests/conftest.py\n")
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rE", "--tb=short", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert "5 passed, 3 errors" in run.stdout, run.stdout + run.stderr
    for name in ("test_unexpected", "test_expected_and_missing", "test_another_than_expected"):
        assert f"ERROR test_logs.py::{name}" in run.stdout
    assert "WARNING ours: the roof leaks" in run.stdout
    assert "ERROR ours: the cellar too" in run.stdout
    assert "expected a log record that matches 'roof', and there was none" in run.stdout
