"""What every run pays for is little: no library that only a forecast needs is imported by loading or by a sync."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orders_pipeline.bench.platform import BusyPlatform
from orders_pipeline.bench.shop_folder import environment, stanza_file
from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import PLENTY

RUN = """
import sys
import dagster as dg
from orders_pipeline import definitions

repository = definitions.defs().get_repository_def()
with dg.DagsterInstance.ephemeral() as instance:
    for name in ("sync_shop_1", "messages_shop_1"):
        assert repository.get_job(name).execute_in_process(instance=instance).success
print(sorted({"pandas", "sklearn", "scipy", "openpyxl", "uvicorn"} & {name for name, module in sys.modules.items() if module}))
"""


def test_loading_and_syncing_import_nothing_of_the_forecast(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BusyPlatform(1, 1, 20, PLENTY) as platform:
        stanza_file(folder, platform, {"calls_per_minute": PLENTY, "backfill_days": 1})
        names = {DATA_ENV: str(folder.root), SHOPS_ENV: str(folder.root / "shops.yaml"), **environment(platform)}
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
