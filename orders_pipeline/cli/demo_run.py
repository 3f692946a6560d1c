"""The demo's child process that makes every asset: ``python -m orders_pipeline.cli.demo_run WORDS GO``.

A process of its own, so that Dagster's output goes to a log and Ctrl-C ends it whatever it is doing. WORDS and GO are
inherited descriptors. To the first it writes one JSON object a line: {"ready"} once Dagster's history exists, {"text", "done",
"total"} as progress, {"error"} as its last word. It begins its work when a byte comes from the second.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from orders_pipeline.settings import UserError, project_root


def main(words: int, go: int) -> int:
    """Materialize everything; the exit code."""
    with os.fdopen(words, "w", buffering=1, encoding="utf-8") as pipe:

        def send(**word: Any) -> None:
            pipe.write(json.dumps(word) + "\n")

        try:
            _make_history()
            send(ready=True)
            from orders_pipeline.materialize import materialize_all  # loads while the sandbox still simulates

            if not os.read(go, 1):
                return 0  # the demo is gone
            materialize_all(project_root(), lambda text, done, total: send(text=text, done=done, total=total))
        except UserError as error:
            send(error=str(error))
            return 1
    return 0


def _make_history() -> None:
    """Create the tables of Dagster's history: several processes that do so at once fail."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(project_root())):
        pass


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
