"""A pytest plugin that writes down how each scenario ended, as JSON lines: ``-p tests.scenarios.outcomes``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

WHERE: Final = "CALLBOARD_TEST_OUTCOMES"


class Recorder:
    """Merges the reports of a test's set-up, call and teardown into one line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase is over. A test passed if its call did, and nothing else went wrong."""
        said = dict(report.user_properties)
        line = self._lines.setdefault(report.nodeid, {"test": report.nodeid, "outcome": "failed", "phase": ""})
        line["off"] = said.get("off")
        if "broken" in said:
            line["broken"] = said["broken"]
        if report.outcome == "passed":
            if report.when == "call":
                line["outcome"] = "passed"
        elif not line["phase"]:  # the first phase that went wrong says why
            line["outcome"], line["phase"] = report.outcome, report.when
            line["raised"] = said.get(f"raised in {report.when}", "")
            line["why"] = said.get(f"why in {report.when}", "")

    def pytest_sessionfinish(self) -> None:
        """Write them all."""
        self._path.write_text("".join(json.dumps(line) + "\n" for line in self._lines.values()))


def pytest_configure(config: pytest.Config) -> None:
    """Only where somebody asked, and not in the workers that only report to another process."""
    if os.environ.get(WHERE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(Path(os.environ[WHERE])))
