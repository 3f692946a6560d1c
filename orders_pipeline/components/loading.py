"""Loading the tree of ``defs/``, also where the file that a merchant edits is no YAML at all."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType

import dagster as dg

from orders_pipeline.components.shops import shop_definitions
from orders_pipeline.settings import UserError
from orders_pipeline.shops import read_stanzas

CODE_LOCATION = "orders_pipeline"
"""As in ``workspace.yaml`` and ``[tool.dg.project]``: Dagster repeats a warning where they differ."""


def load_tree(defs_module: ModuleType) -> dg.Definitions:
    """``dg.load_from_defs_folder`` without its need for a ``pyproject.toml``, which an installed package has not.

    Dagster parses ``defs/shops/defs.yaml`` before our component sees it, and its complaint about broken YAML takes the whole
    code location away. So the file is looked at first: if it cannot be parsed, the other folders are loaded one by one.
    """
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.filterwarnings("ignore", category=category)  # Dagster warns of its own code; we pin its minor release
    folder = Path(next(iter(defs_module.__path__)))
    try:
        read_stanzas(folder / "shops" / "defs.yaml")
    except UserError:
        others = [path for path in sorted(folder.iterdir()) if (path / "__init__.py").is_file()]
        parts = [_tree(import_module(f"{defs_module.__name__}.{path.name}")).build_defs(path) for path in others]
        return dg.Definitions.merge(shop_definitions(), *parts)
    return _tree(defs_module).build_defs()


def _tree(module: ModuleType) -> dg.ComponentTree:
    root = Path(__file__).resolve().parents[2]
    return dg.ComponentTree(defs_module=module, project_root=root, code_location_name=CODE_LOCATION)
