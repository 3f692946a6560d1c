"""Loading the tree of ``defs/``, also where the file that a merchant edits is no YAML at all."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import dagster as dg

from orders_pipeline.components.shops import shop_definitions
from orders_pipeline.settings import UserError
from orders_pipeline.shops import DEFAULT_FILE, read_stanzas

CODE_LOCATION = "orders_pipeline"
"""As in ``workspace.yaml`` and ``[tool.dg.project]``: Dagster repeats a warning where they differ."""


def load_tree(defs_module: ModuleType, root: Path) -> dg.Definitions:
    """``dg.load_from_defs_folder`` without its need for a ``pyproject.toml``, which an installed package has not.

    Dagster parses ``defs/shops/defs.yaml`` before our component sees it, and its complaint about broken YAML takes the whole
    code location away. So the file is looked at first: if it cannot be parsed, the other folders are loaded one by one.
    """
    warnings.filterwarnings("ignore", category=dg.BetaWarning)  # Dagster warns of its own code; we pin its minor release
    tree = dg.ComponentTree(defs_module=defs_module, project_root=root.parent, code_location_name=CODE_LOCATION)
    try:
        read_stanzas(DEFAULT_FILE)
    except UserError:
        folder = Path(next(iter(defs_module.__path__)))
        others = [path for path in sorted(folder.iterdir()) if _loadable(path) and path != DEFAULT_FILE.parent]
        return dg.Definitions.merge(shop_definitions(), *(tree.build_defs_at_path(path) for path in others))
    return tree.build_defs()


def _loadable(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").is_file()
    return path.suffix == ".py" and path.name != "__init__.py"
