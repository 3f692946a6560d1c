"""How a benchmark's results are written down: JSON for programs, a Markdown table for people, each with what is needed to
repeat it: machine, versions, command."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "dagster", "duckdb", "httpx", "numpy", "pandas", "scikit-learn", "dlt", "statsforecast", "mlforecast", "lightgbm",
)  # fmt: skip
"""Whose versions a result depends on; what is not installed is left out."""


@dataclass(frozen=True)
class Table:
    """One table of a report. Cells are numbers or text; numbers are shown with three significant digits."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", _line(self.columns), _line("---" for _ in self.columns)]
        return "\n".join([*lines, *(_line(_cell(cell) for cell in row) for row in self.rows)])


@dataclass(frozen=True)
class Report:
    """What one run of a benchmark found. ``facts`` holds everything measured, for programs; ``notes`` are for people;
    ``about`` is the environment that it was found in; ``parts`` are the reports that it is made of."""

    name: str
    tables: Sequence[Table]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    about: Mapping[str, str] = field(default_factory=lambda: environment())
    parts: Sequence[Report] = ()

    @classmethod
    def loaded(cls, file: Path) -> Report:
        """A report as ``save`` has written it."""
        return cls._of(json.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def _of(cls, content: dict[str, Any]) -> Report:
        name, tables, facts, notes, parts = (content.pop(key) for key in ("name", "tables", "facts", "notes", "parts"))
        found = [Table(one["title"], one["columns"], one["rows"]) for one in tables]
        return cls(name, found, facts, notes, content, [cls._of(part) for part in parts])

    def markdown(self) -> str:
        """The tables and notes with machine, versions and command above them, then the parts with what differs of that."""
        about = self.about
        where = f"{about['machine']}; {about['versions']}; load average {about['load']}."
        whole = f"## {self.name}\n\n`{about['command']}`, {about['at']}\n\n{where}\n\n{self._body()}"
        return "\n".join([whole, *map(Report._as_part, self.parts)])

    def _as_part(self) -> str:
        about = self.about
        return f"## {self.name}\n\n`{about['command']}`, {about['at']}, load average {about['load']}.\n\n{self._body()}"

    def _body(self) -> str:
        parts = [table.markdown() for table in self.tables]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts) + "\n"

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write ``<name>.json`` and ``<name>.md``; both paths."""
        folder.mkdir(parents=True, exist_ok=True)
        data, text = folder / f"{self.name}.json", folder / f"{self.name}.md"
        data.write_text(json.dumps(self._content(), indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        text.write_text(self.markdown(), encoding="utf-8")
        return data, text

    def _content(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **self.about,
            "tables": [
                {"title": one.title, "columns": list(one.columns), "rows": list(one.rows)} for one in self.tables
            ],
            "facts": self.facts,
            "notes": list(self.notes),
            "parts": [part._content() for part in self.parts],
        }


def environment() -> dict[str, str]:
    """Machine, versions, command, time and load: what somebody needs who wants to repeat a result or to doubt it."""
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    arguments = sys.argv[1:]
    return {
        "command": shlex.join(["orders-pipeline", *arguments]),
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}",
        "versions": ", ".join(found),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if value is None else str(value)
