"""One running demo with its UI, and a headless Chromium in front of it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from orders_pipeline_tests import node
from orders_pipeline_tests.stack import SMALL, Demo, free_port

SCREENSHOTS_ENV = "ORDERS_PIPELINE_SCREENSHOTS"
"""A folder that keeps the screenshots; default: the test's temporary one."""

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
"""For a browser that runs as root in a container, draws into memory and talks to nobody but us."""

PAGE_PATIENCE_MS = 45_000  # the UI's first page is several megabytes of script; a loaded machine takes its time


CHROMIUM = "@sparticuz/chromium@153.0.0"
"""A headless Chromium for Linux on x86-64, with the libraries and the font that a slim system lacks."""

UNPACK = (
    'import("@sparticuz/chromium").then(it => it.default.executablePath()).then(path => process.stdout.write(path))'
)

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{folder}/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


def chromium(folder: Path) -> tuple[str, dict[str, str]]:
    """The browser's program and what it needs in its environment; unpacked into ``folder``."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        assert installed, "install Chromium or Chrome: the one that npm brings is for Linux on x86-64"
        return installed, {}
    node.install(CHROMIUM, folder)
    # it unpacks into the folder for temporary files, the libraries only where it believes to be on Amazon's Linux
    path = node.run(UNPACK, folder, env={"TMPDIR": str(folder), "AWS_LAMBDA_JS_RUNTIME": "nodejs24.x"})
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(folder=folder), encoding="utf-8")
    return path, {"LD_LIBRARY_PATH": str(folder / "al2023" / "lib"), "FONTCONFIG_FILE": str(fonts)}


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path, environment = chromium(tmp_path_factory.mktemp("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, env={**os.environ, **environment}, args=FLAGS)
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
    # the locale C of a container becomes "en-US@posix" here, with which the UI's scripts do not start
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, base_url=demo.url, locale="en-US")
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
