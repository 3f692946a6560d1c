"""What several tests of this room set while a platform answers."""

from __future__ import annotations

import pytest

from orders_pipeline_tests.sync.sickness import Dial


@pytest.fixture
def dial() -> Dial:
    """How ill the platform of ``sick_sandbox`` is."""
    return Dial()
