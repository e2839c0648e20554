"""The project's import contracts in a small tree of their own, where a wrong import can be planted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.scenarios.off import CannotTurnOff

ROOT: Final = Path(__file__).resolve().parents[2]
ROOMS: Final = ("protocol", "rules", "authority", "api", "importers", "exporters", "embedded")


@dataclass(frozen=True)
class Contracts:
    """A tree that holds the rooms of the server, empty, and the contracts."""

    tree: Path

    def plant(self, module: str, imported: str) -> None:
        """Have *module* (``server_sync.room.name``) import *imported*."""
        path = self.tree.joinpath(*module.split("."))
        path.with_suffix(".py").write_text(f"import {imported}\n")

    def broken(self) -> dict[str, str]:
        """What import-linter reports, as `dev.py check` runs it: by contract, the wrong imports that it names."""
        run = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
            cwd=self.tree,
            env={**os.environ, "COLUMNS": "300", "PYTHONPATH": str(self.tree), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
        printed = run.stdout + run.stderr
        assert "Contracts:" in printed, printed
        broken = re.findall(r"^(.+) BROKEN", printed, re.MULTILINE)
        assert (run.returncode != 0) == bool(broken), printed
        if not broken:
            return {}
        report = printed[printed.index("Broken contracts") :]
        return {name: re.split(r"\n-{3,}\n", report[report.index(f"\n{name}\n") + 1 :])[1] for name in broken}


def copy_contracts(tree: Path, without: list[str]) -> Contracts:
    """The contracts of pyproject.toml in *tree*, but those named in *without*."""
    text = (ROOT / "pyproject.toml").read_text()
    for name in without:
        begins = rf'\[\[tool\.importlinter\.contracts\]\]\nname = "{re.escape(name)}"\n'
        text, count = re.subn(begins + r".*?(?=\n\[|\Z)", "", text, flags=re.DOTALL)
        if count != 1:
            raise CannotTurnOff(f"there is no contract {name!r}")
    (tree / "pyproject.toml").write_text(text)
    for file in ("tests/__init__.py", "tests/dev/__init__.py", "tests/dev/contracts.py"):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tree / file)
    for package in ("desktop", "resources", "server_sync", *(f"server_sync/{room}" for room in ROOMS)):
        (tree / package).mkdir()
        (tree / package / "__init__.py").touch()
    return Contracts(tree)
