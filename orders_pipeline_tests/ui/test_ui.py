"""What a visitor of the demo sees: the lineage, an asset's page, a run. And that ending the demo ends all of it."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, expect

from orders_pipeline_tests.stack import Demo

SHOP = "demo_tmall"
ASSETS_OF_SHOP = (
    "raw_full_pages", "raw_incremental_pages", "raw_refund_pages", "orders", "order_lines", "refunds", "parcels", "stock",
)  # fmt: skip
MARTS = (
    "daily_reconciliation", "daily_sku_sales", "sales_forecasts", "forecast_accuracy", "forecast_backtest", "stock_position",
    "replenishment_suggestions", "published_copy",
)  # fmt: skip
STATUS = """{ assetsOrError { ... on AssetConnection { nodes { key { path }
  assetMaterializations(limit: 1) { metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }
  runsOrError { ... on Runs { results { id status jobName } } } }"""


def test_lineage(page: Page, screenshots: Path) -> None:
    page.goto("/asset-groups")
    for group, count in (("shops", len(ASSETS_OF_SHOP)), ("publish", 1)):
        box = page.locator("foreignObject").filter(has_text=re.compile(rf"^{group}"))
        expect(box.first).to_contain_text(str(count))
    groups = (
        "shops",
        f"shops/{SHOP}",
        "marts",
        *(f"marts/{m}" for m in ("sales", "forecast", "quality", "replenishment")),
        "publish",
    )
    page.set_viewport_size({"width": 1900, "height": 1750})  # the graph is fitted no further than its text can be read
    page.goto("/asset-groups?expanded=" + quote(",".join(f"global@global:{group}" for group in groups), safe=""))
    for asset in ("raw_full_pages", "orders", "published_copy"):
        expect(page.locator("foreignObject").get_by_text(asset, exact=True).first).to_be_attached()
    expect(page.locator("foreignObject").get_by_text("sales_forecasts").first).to_be_attached()
    page.wait_for_load_state("networkidle")  # the colours come last
    page.screenshot(path=screenshots / "lineage.png")


def test_every_asset_is_green_and_has_rows(page: Page) -> None:
    answer = page.request.post("/graphql", data={"query": STATUS}).json()["data"]
    rows = {
        "/".join(node["key"]["path"]): {
            entry["label"]: entry.get("intValue")
            for event in node["assetMaterializations"]
            for entry in event["metadataEntries"]
        }.get("dagster/row_count")
        for node in answer["assetsOrError"]["nodes"]
    }
    expected = {*(f"{SHOP}/{name}" for name in ASSETS_OF_SHOP), *MARTS}
    assert set(rows) == expected
    # a young shop has no forecast whose days are over, and its raw pages may all have come with the full pull
    may_be_empty = {"forecast_accuracy", "published_copy"}
    assert {name for name, count in rows.items() if not count} <= may_be_empty
    assert {run["status"] for run in answer["runsOrError"]["results"]} <= {"SUCCESS", "STARTED", "STARTING", "QUEUED"}


def test_page_of_an_asset(page: Page, screenshots: Path) -> None:
    page.goto(f"/assets/{SHOP}/orders")
    expect(page.get_by_text("Row count")).to_be_visible()
    expect(page.get_by_text("payable_amount", exact=True).first).to_be_visible()
    expect(page.get_by_text("DECIMAL(18,2)").first).to_be_visible()
    page.screenshot(path=screenshots / "asset.png")
    plots = page.get_by_text("Plots", exact=True).first
    plots.scroll_into_view_if_needed()
    plots.click()
    expect(page.locator("canvas").first).to_be_visible()
    page.screenshot(path=screenshots / "plots.png")


def test_checks_of_an_asset(page: Page, screenshots: Path) -> None:
    page.goto(f"/assets/{SHOP}/orders?view=checks")
    for check in ("unique_ids", "no_negative_totals", "payable_adds_up", "fresh"):
        expect(page.get_by_text(check, exact=True).first).to_be_visible()
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)
    page.screenshot(path=screenshots / "checks.png")


def test_picture_in_the_metadata(page: Page, screenshots: Path) -> None:
    page.goto("/assets/sales_forecasts")
    link = page.get_by_text("[Show Markdown]").first
    link.scroll_into_view_if_needed()
    link.click()
    expect(page.locator("img[src^='data:image/svg+xml']").first).to_be_visible()
    page.screenshot(path=screenshots / "forecast.png")


def test_run(page: Page, screenshots: Path) -> None:
    runs = page.request.post("/graphql", data={"query": STATUS}).json()["data"]["runsOrError"]["results"]
    page.goto("/runs")
    expect(page.get_by_text(f"load_{SHOP}").first).to_be_visible()
    page.goto(f"/runs/{next(run['id'] for run in runs if run['jobName'] == f'load_{SHOP}')}")
    expect(page.get_by_text("RUN_SUCCESS").first).to_be_visible()
    expect(page.get_by_text(f"{SHOP}__raw_full_pages").first).to_be_visible()
    page.screenshot(path=screenshots / "run.png")


def test_sensors_and_schedules_work(page: Page, screenshots: Path) -> None:
    page.goto("/automation")
    for name in (f"changes_{SHOP}_sensor", f"sync_{SHOP}_schedule", "plan_schedule"):
        expect(page.get_by_text(name).first).to_be_visible()
    page.screenshot(path=screenshots / "automation.png")


def test_ending_the_demo_leaves_nothing_running(demo: Demo) -> None:
    """The last of this file: Ctrl-C ends platform, code server, webserver, daemon and whatever they have started."""
    assert len(demo.left_over()) >= 5
    assert demo.stop(signal.SIGINT) == 0
    assert demo.left_over() == []
    assert demo.lines[-1].startswith("Nothing is running any more.")
