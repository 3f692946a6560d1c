"""Dagster's embedded instance: where its run history lives, however Dagster was started.

Named by ``dagster.yaml``. Nothing about assets belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)

from orders_pipeline.history import EventLog, RunTable, ScheduleTable
from orders_pipeline.settings import data_folder

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData


class DataFolderStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage in ``dagster/`` of the data folder in force.

    The plain ``storage.sqlite.base_dir`` cannot say that: a relative path follows the working directory and an unset
    ``env:`` crashes every command, so that ``dagster dev``, ``demo`` and a daemon started elsewhere would each keep a
    history of their own. Here all of them ask ``settings.data_folder()``.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self.base_dir = base_dir
        self._run_storage = RunTable.from_local(_runs_directory(base_dir))
        self._event_log_storage = EventLog(_event_logs_directory(base_dir))
        self._schedule_storage = ScheduleTable.from_local(_schedule_directory(base_dir))
        self._inst_data = inst_data
        DagsterStorage.__init__(self)  # type: ignore[no-untyped-call, arg-type]  # what its parent's own does besides is to open storages of its own

    @classmethod
    def config_type(cls) -> Any:
        """No settings: the data folder is the setting."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> DataFolderStorage:  # noqa: ARG003
        """Open, and on first use make, the history. Raises UserError when the data folder cannot be written."""
        return cls(base_dir=str(data_folder().create().dagster), inst_data=inst_data)
