"""One running demo with its UI, and a headless Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from orders_pipeline_tests.stack import SMALL, Demo, free_port

SCREENSHOTS_ENV = "ORDERS_PIPELINE_SCREENSHOTS"
"""A folder that keeps the screenshots; default: the test's temporary one."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
"""For a browser that runs as root in a container, draws into memory and talks to nobody but us."""

PAGE_PATIENCE_MS = 45_000  # the UI's first page is several megabytes of script; a loaded machine takes its time


def chromium() -> str | None:
    """The installed browser; the tests download none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    # no wheel brings a browser, and the README's test command installs with pip alone; .ci/run installs one and fails on any skip
    if path is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``orders-pipeline demo`` with a small shop, its UI up."""
    port = free_port()
    with Demo(tmp_path_factory.mktemp("ui") / "demo", "--port", str(port), *SMALL) as demo:
        assert str(port) in demo.wait_for("Dagster UI:")
        demo.url = f"http://127.0.0.1:{port}"
        yield demo


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, base_url=demo.url)
    page = context.new_page()
    page.set_default_timeout(PAGE_PATIENCE_MS)
    expect.set_options(timeout=PAGE_PATIENCE_MS)
    yield page
    context.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get(SCREENSHOTS_ENV) or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
