"""The scene of a scenario, and its facts for the report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.reliability.scene import Scene


@pytest.fixture
def scene(folder: DataFolder, request: pytest.FixtureRequest) -> Iterator[Scene]:
    scene = Scene(folder)
    yield scene
    request.node.user_properties.extend(("fact", fact) for fact in scene.facts)
