"""The learned alternative to the rule, and how both do on families of errors that they have not seen. A measurement, not a
part of any run: nothing of ``sync`` imports this module, and scikit-learn is imported inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orders_pipeline.platforms.taobao.triage.cases import TABLE, UNSEEN, Case
from orders_pipeline.platforms.taobao.triage.rule import Action, advise, known_word

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ACTIONS: tuple[Action, ...] = ("retry", "wait", "re-authorise", "fix", "page")

Predicted = list[tuple[Case, str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What each was asked and answered. ``left_out``: the model without the case's family; the rule was written from the
    table, so its score there is no test. ``unseen``: rows that neither has seen."""

    model_left_out: Predicted
    rule_on_table: Predicted
    model_unseen: Predicted
    rule_unseen: Predicted
    both_unseen: Predicted  # the rule and, where it knows no word, the model


def build_model() -> Pipeline:
    """Character n-grams, since codes are words glued together, and a linear classifier: sixty cases carry no more."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # 2 to 5 letters: shorter than "isv", as long as a stem; C=10 and balanced classes: few cases, five uneven classes
    return make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=True),
        LogisticRegression(C=10, class_weight="balanced", max_iter=1_000),
    )


def compare() -> Comparison:
    """Leave each family out in turn; then train on the whole table and ask about the unseen rows."""
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

    texts: list[Any] = [case.text for case in TABLE]
    actions = [case.action for case in TABLE]
    left_out = cross_val_predict(
        build_model(), texts, actions, groups=[case.family for case in TABLE], cv=LeaveOneGroupOut()
    )
    model = build_model().fit(texts, actions)
    unseen = model.predict([case.text for case in UNSEEN])
    return Comparison(
        list(zip(TABLE, map(str, left_out), strict=True)),
        [(case, advise(case.text)) for case in TABLE],
        list(zip(UNSEEN, map(str, unseen), strict=True)),
        [(case, advise(case.text)) for case in UNSEEN],
        [
            (case, advise(case.text) if known_word(case.text) else str(found))
            for case, found in zip(UNSEEN, unseen, strict=True)
        ],
    )


def accuracy(predicted: Predicted) -> float:
    """Share of cases with the right action."""
    return sum(case.action == found for case, found in predicted) / len(predicted)


def in_vain(predicted: Predicted) -> int:
    """Answers that make calls, or hold them back, where only a person helps; and repetitions of what a quota refused."""
    return sum(
        (case.action in ("fix", "page") and found in ("retry", "wait", "re-authorise"))
        or (case.action == "wait" and found == "retry")
        for case, found in predicted
    )


def confusion(predicted: Predicted) -> str:
    """Rows: what is right; columns: what was answered. A Markdown table."""
    lines = ["| right \\ answered | " + " | ".join(ACTIONS) + " |", "|---" * (len(ACTIONS) + 1) + "|"]
    for right in ACTIONS:
        counts: Sequence[int] = [
            sum((case.action, found) == (right, one) for case, found in predicted) for one in ACTIONS
        ]
        lines.append(f"| {right} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def report() -> str:
    """Both, on both tables, in Markdown."""
    found = compare()
    parts = []
    for title, predicted in (
        ("Model, each family left out in turn", found.model_left_out),
        ("Rule, on the table that it was written from (no test)", found.rule_on_table),
        ("Model, on unseen rows of another platform", found.model_unseen),
        ("Rule, on unseen rows of another platform", found.rule_unseen),
        ("Rule, and the model where the rule knows no word, on these", found.both_unseen),
    ):
        right = f"{accuracy(predicted):.0%} of {len(predicted)} right, {in_vain(predicted)} acted on in vain"
        parts.append(f"**{title}**: {right}\n\n{confusion(predicted)}")
    return "\n\n".join(parts)
