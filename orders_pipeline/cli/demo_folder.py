"""The demo's own data folder: made afresh each time, recognised by a marker file, held by one demo at a time.

A simulated shop begins anew with each demo, so what an earlier one stored would contradict it: hence afresh.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orders_pipeline.settings import DataFolder, UserError

MARKER = ".orders-pipeline-demo"
SHOP = "demo_tmall"
STANZAS = """# Written by `orders-pipeline demo`.
type: orders_pipeline.components.Shops
attributes:
  shops:
    - shop: {shop}
      platform: tmall
      gateway_url: {gateway}/router/rest
      token_url: {gateway}/token
      authorize_url: {gateway}/authorize
      calls_per_minute: {calls_per_minute}
      backfill_days: {days}
      app_key_env: DEMO_APP_KEY
      app_secret_env: DEMO_APP_SECRET
      session_env: DEMO_SESSION
      refresh_token_env: DEMO_REFRESH_TOKEN
"""


@contextlib.contextmanager
def demo_folder(root: Path) -> Iterator[tuple[DataFolder, int]]:
    """An emptied demo folder and the descriptor that holds it. Children inherit the descriptor, so that a folder stays
    taken while a process of a killed demo lives.

    Raises UserError where the folder holds something that no demo wrote, or another demo runs in it.
    """
    marker = root / MARKER
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: choose a folder with --data.")
    if root.is_dir() and any(root.iterdir()) and not marker.is_file():
        raise UserError(f"{root} is not empty and no demo wrote it: choose another folder with --data.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        held = os.open(marker, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise UserError(f"{root} cannot be written ({error.strerror}): choose another folder with --data.") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another demo runs in {root}: stop it, or choose another folder with --data.") from None
        for entry in root.iterdir():
            if entry != marker:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        (root / "logs").mkdir()
        yield DataFolder(root).create(), held
    finally:
        os.close(held)


def write_stanza(folder: DataFolder, gateway: str, calls_per_minute: int, days: int) -> Path:
    """The demo's stanza file, with the sandbox's address."""
    file = folder.root / "shops.yaml"
    file.write_text(
        STANZAS.format(shop=SHOP, gateway=gateway, calls_per_minute=calls_per_minute, days=days), encoding="utf-8"
    )
    return file
