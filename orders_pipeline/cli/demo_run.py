"""The demo's child process that makes every asset: ``python -m orders_pipeline.cli.demo_run DESCRIPTOR``.

A process of its own, so that Dagster's output goes to a log and Ctrl-C ends it whatever it is doing. Progress goes to the
inherited descriptor, one JSON object a line: {"text", "done", "total"}, or {"error"} as its last word.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from orders_pipeline.settings import UserError, project_root


def main(descriptor: int) -> int:
    """Materialize everything; the exit code."""
    from orders_pipeline.materialize import materialize_all

    with os.fdopen(descriptor, "w", buffering=1, encoding="utf-8") as pipe:

        def send(**word: Any) -> None:
            pipe.write(json.dumps(word) + "\n")

        try:
            materialize_all(project_root(), lambda text, done, total: send(text=text, done=done, total=total))
        except UserError as error:
            send(error=str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
