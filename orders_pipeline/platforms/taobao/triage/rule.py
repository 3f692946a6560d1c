"""The plain rule: words of the platforms' codes, in order of what a mistake costs. No library, no state.

The texts are looked at and forgotten; only the action leaves, for a text may repeat what was sent.
"""

from __future__ import annotations

import re
from typing import Literal

Action = Literal["retry", "wait", "re-authorise", "fix", "page"]

_WORDS: tuple[tuple[Action, re.Pattern[str]], ...] = (
    # a quota: more calls make it worse, so this comes before anything that would repeat the call
    ("wait", re.compile(r"limited|frequen|ban will last|accesscontrol|throttl|too many|traffic")),
    # one refresh and one more try cost nothing where it was something else
    ("re-authorise", re.compile(r"session|(access|refresh).?token(?!.(missing|invalid))")),
    # must come before "service": a person has to grant something
    ("page", re.compile(r"permission|insufficient|whitelist|forbid|authoriz|not.allowed|suspend|risk")),
    # what the caller sent: nothing changes until the program does
    (
        "fix",
        re.compile(r"missing|invalid|parameter|argument|signature|unsupported|parse.error|not.exist|format|-off\b"),
    ),
    # the platform's own trouble
    ("retry", re.compile(r"\bisp\.|time.?out|unavailable|service.error|connection|busy|unknown.error|try.again|retry")),
)


def advise(*texts: str) -> Action:
    """The action for an error's code, sub-code and messages; a person where no word is known."""
    return known_word(*texts) or "page"


def known_word(*texts: str) -> Action | None:
    """The action of the first word that is known; None where none is."""
    text = " ".join(texts).lower()
    return next((action for action, words in _WORDS if words.search(text)), None)
