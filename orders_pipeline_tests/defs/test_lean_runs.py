"""What every run pays for is little: no library that only a forecast needs is imported by loading or by a sync."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_file, stanza_of

RUN = """
import sys
import dagster as dg
from orders_pipeline import definitions

repository = definitions.defs().get_repository_def()
with dg.DagsterInstance.ephemeral() as instance:
    for name in ("sync_tea_tmall", "messages_tea_tmall"):
        assert repository.get_job(name).execute_in_process(instance=instance).success
print(sorted({"pandas", "sklearn", "scipy", "openpyxl", "uvicorn"} & {name for name, module in sys.modules.items() if module}))
"""


def test_loading_and_syncing_import_nothing_of_the_forecast(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with living_sandbox(1, 20) as sandbox:
        sandbox.clock.speed = 1.0  # the child has a clock of its own
        sandbox.clock.advance(0)
        monkeypatch.setenv(DATA_ENV, str(folder.root))
        monkeypatch.setenv(SHOPS_ENV, str(stanza_file(folder.root / "shops.yaml", stanza_of(shop_of(sandbox)))))
        done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
