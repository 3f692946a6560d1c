"""Faults of paging: counts and has_next that lie, pages that are empty, short, or repeat rows of others."""

from __future__ import annotations

from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit, Wire, group_of, rows_of


class HasNext(Fault, tag="has_next", kw_only=True):
    """``has_next`` says ``value`` wherever it is given."""

    value: bool

    def after(self, hit: Hit, answer: Answer) -> None:
        def lie(root: Wire) -> None:
            if "has_next" in root:
                root["has_next"] = self.value

        answer.edit(lie)


class WrongCount(Fault, tag="wrong_count", kw_only=True):
    """``total_results`` is ``off`` by so many, never below 0."""

    off: int

    def after(self, hit: Hit, answer: Answer) -> None:
        def lie(root: Wire) -> None:
            if "total_results" in root:
                root["total_results"] = max(root["total_results"] + self.off, 0)

        answer.edit(lie)


class ShortPage(Fault, tag="short_page"):
    """A page with its first ``rows`` rows only; with 0 the list is left out as on an empty page. Counts stay."""

    rows: int = 0

    def after(self, hit: Hit, answer: Answer) -> None:
        def cut(root: Wire) -> None:
            found = group_of(root)
            if found and self.rows:
                del root[found[0]][found[1]][self.rows :]
            elif found:
                del root[found[0]]

        answer.edit(cut)


class RepeatedRows(Fault, tag="repeated_rows"):
    """A page carries, on top of its own, up to ``rows`` rows that another page of the same list showed before."""

    rows: int = 20

    def after(self, hit: Hit, answer: Answer) -> None:
        def repeat(root: Wire) -> None:
            own = rows_of(root)
            seen: dict[int, list[Wire]] = hit.memory.setdefault(hit.api, {})
            others = [row for page_no, rows in seen.items() if page_no != hit.page_no for row in rows]
            seen[hit.page_no] = list(own)
            if group_of(root):
                own.extend(others[-self.rows :])

        answer.edit(repeat)
