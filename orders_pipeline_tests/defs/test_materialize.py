"""What ``demo`` does before it opens the UI: every asset made, in the persistent history, or one line that says why not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orders_pipeline.materialize import materialize_all
from orders_pipeline.settings import DATA_ENV, DataFolder, UserError
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import forget, stanza_file, stanza_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _fresh(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setenv(DATA_ENV, str(folder.root))
    monkeypatch.setenv(SHOPS_ENV, str(folder.root / "shops.yaml"))
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))  # put back after the test: the function sets it


def test_every_asset_is_made_in_the_persistent_history(folder: DataFolder) -> None:
    told: list[str] = []
    with living_sandbox(12, 60, now=datetime.now(UTC)) as sandbox:
        stanza_file(folder.root / "shops.yaml", stanza_of(shop_of(sandbox, "tea", backfill_days=12)))
        materialize_all(ROOT, lambda text, done, total: told.append(text))
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 4
        made = {key.to_user_string() for key in instance.get_asset_keys()}
    assert {"tea/orders", "daily_reconciliation", "replenishment_suggestions", "published_copy"} <= made
    assert len(made) == 16
    assert told[0] == "loading the assets"
    assert told[-1] == "all assets are materialized"


def test_a_failing_step_is_one_line(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP_APP_SECRET", "")
    stanza_file(folder.root / "shops.yaml", "{shop: tea, platform: tmall, app_secret_env: NOWHERE_SET}")
    with pytest.raises(UserError, match=r"tea__.*: Shop tea: set NOWHERE_SET in") as caught:
        materialize_all(ROOT, lambda text, done, total: None)
    assert "\n" not in str(caught.value)
