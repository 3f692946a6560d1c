"""Fails where a test was skipped: here everything that a test could lack has been installed.

The one thing that cannot be installed is the folder of public data sets beside the checkout; where it is absent, the tests
that read it may skip.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

DATA_SETS = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def main(report: str) -> int:
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - our own report
    reasons = [
        f"{case.get('classname')}::{case.get('name')}: {skip.get('message')}"
        for case in cases
        for skip in case.iter("skipped")
        if DATA_SETS.is_dir() or "shared/data" not in (skip.get("message") or "")
    ]
    for reason in reasons:
        print("skipped:", reason, file=sys.stderr)  # noqa: T201 - a script
    if not cases:
        print("no test ran", file=sys.stderr)  # noqa: T201 - a script
    return 1 if reasons or not cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
