"""Where things live on disk, and how a user's mistake is reported.

Nothing about shops (``shops.py``) and nothing that opens a file for its content belongs here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DATA_ENV = "ORDERS_PIPELINE_DATA"


class UserError(Exception):
    """Something the user can mend. The message is one line: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The names inside a data folder; ``shared/contract`` names are fixed, see the README."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The live DuckDB file: writers only, under the lock."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """A link to the newest published copy: what readers open, read-only."""
        return self.root / "orders.duckdb"

    @property
    def versions(self) -> Path:
        """Folder of the published copies that ``published`` points into."""
        return self.root / "published"

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def ops(self) -> Path:
        return self.root / "ops.sqlite"

    @property
    def master(self) -> Path:
        return self.root / "master"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def dagster(self) -> Path:
        """Dagster's run history and event logs (embedded instance)."""
        return self.root / "dagster"

    def create(self) -> DataFolder:
        """Make the folders. Raises UserError when the path cannot be written."""
        try:
            for folder in (self.root, self.versions, self.raw, self.master, self.reports, self.locks, self.dagster):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.locks / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"Data folder {self.root} cannot be written ({error.strerror}): "
                f"choose another with {DATA_ENV} or --data, or mend its permissions."
            ) from None
        return self


def project_root() -> Path:
    """The folder that holds ``dagster.yaml``: ``DAGSTER_HOME`` if it does, else this checkout, else the working folder."""
    home = os.environ.get("DAGSTER_HOME")
    checkout = Path(__file__).resolve().parent.parent
    for folder in ([Path(home)] if home else []) + [checkout]:
        if (folder / "dagster.yaml").is_file():
            return folder
    return Path.cwd()


def data_folder(override: Path | None = None) -> DataFolder:
    """The data folder in force: ``override``, else ``ORDERS_PIPELINE_DATA``, else ``data/`` beside ``dagster.yaml``."""
    if override is not None:
        return DataFolder(override.expanduser().resolve())
    from_env = os.environ.get(DATA_ENV)
    return DataFolder(Path(from_env).expanduser().resolve() if from_env else project_root() / "data")
