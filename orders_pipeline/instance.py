"""Dagster's embedded instance: where its run history lives, however Dagster was started.

Named by ``dagster.yaml``. Nothing about assets belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from orders_pipeline.settings import data_folder

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData


class DataFolderStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage in ``dagster/`` of the data folder in force.

    The plain ``storage.sqlite.base_dir`` cannot say that: a relative path follows the working directory and an unset
    ``env:`` crashes every command, so that ``dagster dev``, ``demo`` and a daemon started elsewhere would each keep a
    history of their own. Here all of them ask ``settings.data_folder()``.
    """

    @classmethod
    def config_type(cls) -> Any:
        """No settings: the data folder is the setting."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> DataFolderStorage:  # noqa: ARG003
        """Open, and on first use make, the history. Raises UserError when the data folder cannot be written."""
        return cls(base_dir=str(data_folder().create().dagster), inst_data=inst_data)
