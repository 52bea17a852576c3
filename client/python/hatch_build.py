"""Puts what both clients share into the distribution: the price sheet, and the formulas of an estimate as data."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FORMULA = re.compile(r"formula\(\s*'(\w+)',\s*'[^']*',\s*'([^']*)',")


class SharedFiles(BuildHookInterface):  # type: ignore[type-arg]
    """In the source distribution they are there already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        shared = Path(self.root).parent / "cost"
        if not shared.is_dir():
            return
        formulas = FORMULA.findall((shared / "formulas.ts").read_text())
        if not formulas:
            raise ValueError(f"no formulas were found in {shared / 'formulas.ts'}")
        made = Path(tempfile.mkdtemp()) / "formulas.json"
        made.write_text(json.dumps(formulas, indent=1) + "\n")
        folder = "src/burst_compute" if self.target_name == "sdist" else "burst_compute"
        build_data["force_include"].update({str(shared / "prices.json"): f"{folder}/prices.json", str(made): f"{folder}/formulas.json"})
