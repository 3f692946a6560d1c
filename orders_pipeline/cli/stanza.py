"""Writes a shop's stanza into the stanza file as text, so that a merchant's comments and layout stay.

Reading and validating stanzas is ``shops.py``'s business.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop, read_stanzas

NEW_FILE = "# Shops, one stanza each. Secrets do not belong here: a stanza names environment variables.\n\
type: orders_pipeline.components.Shops\nattributes:\n  shops: []\n"


def add_stanza(file: Path, settings: Mapping[str, str | int]) -> Shop:
    """Append one stanza and return it validated; on any fault the file stays as it was.

    Raises UserError: slug in use, a setting that does not validate, a file that cannot be read or written, or a list
    written in brackets.
    """
    before = file.read_text(encoding="utf-8") if file.is_file() else NEW_FILE
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            read_stanzas(file)  # a fault that is there already is named with this file's name, not the draft's
        draft.write_text(_with_stanza(before, settings, file), encoding="utf-8")
        good, bad = read_stanzas(draft)
        mine = [stanza for stanza in bad if stanza.name == settings["shop"]]
        if mine:
            raise UserError(f"Not added: {mine[-1].problem}.")
        draft.replace(file)
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror}): mend its permissions.") from None
    finally:
        with contextlib.suppress(OSError):  # gone, or never there
            draft.unlink()
    return next(shop for shop in good if shop.shop == settings["shop"])


def _with_stanza(text: str, settings: Mapping[str, str | int], file: Path) -> str:
    node = _shops_node(yaml.compose(text, Loader=yaml.SafeLoader))
    if node is None:
        raise UserError(f"{file}: expected `attributes:` with a list `shops:` below it.")
    if isinstance(node, yaml.SequenceNode) and node.value:
        if node.flow_style:
            raise UserError(f"{file}: write `shops` as one `- shop:` stanza a line, not in brackets, then add again.")
        end = _last_mark(node).index
        cut = text.find("\n", end)  # a comment on the last line stays with it
        head, tail = (text, "") if cut < 0 else (text[:cut], text[cut + 1 :])
        return f"{head}\n{_stanza(settings, node.start_mark.column)}{tail}"
    head, tail = text[: node.start_mark.index], text[node.end_mark.index :].lstrip(" ").removeprefix("\n")
    return f"{head.rstrip(' ')}\n{_stanza(settings, indent=4)}{tail}"


def _stanza(settings: Mapping[str, str | int], indent: int) -> str:
    lines = [f"{key}: {_scalar(value)}" for key, value in settings.items()]
    pad = " " * indent
    return f"{pad}- " + f"\n{pad}  ".join(lines) + "\n"


def _scalar(value: str | int) -> str:
    """A plain word where YAML reads it back as the same text, else quoted (JSON strings are YAML)."""
    if isinstance(value, int):
        return str(value)
    return value if yaml.safe_load(value) == value and "#" not in value else json.dumps(value, ensure_ascii=False)


def _shops_node(root: yaml.Node | None) -> yaml.Node | None:
    for key in ("attributes", "shops"):
        if not isinstance(root, yaml.MappingNode):
            return None
        root = next((value for name, value in root.value if name.value == key), None)
    return root


def _last_mark(node: yaml.Node) -> yaml.Mark:
    """The end of the last scalar: a block node's own end mark lies beyond the comments that follow it."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node.end_mark
