"""The top suggestions as rows for a table in the shell or in Markdown. The XLSX and HTML reports are made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from orders_pipeline.replenishment.rows import Suggestion
from orders_pipeline.replenishment.suggestions import Suggestions

HEADERS = (
    "紧急",
    "商家编码",
    "供应商",
    "建议数量",
    "最晚下单日",
    "预计断货日",
    "可售天数",
    "断货概率",
    "金额",
    "旧规则",
    "原因",
)
URGENCY_WORDS = ("断货/超卖", "来不及", "今天下单", "七天内", "充足", "积压")  # by Urgency


def top_rows(suggestions: Suggestions, limit: int = 20) -> list[tuple[str, ...]]:
    """The most urgent rows with something to order, cells as text in the order of ``HEADERS``."""
    return [_cells(row) for row in suggestions.to_order[:limit]]


def markdown_table(suggestions: Suggestions, limit: int = 20) -> str:
    """The same rows as a Markdown table; one line where nothing is to be ordered."""
    rows = top_rows(suggestions, limit)
    if not rows:
        return "今天没有采购建议。"
    return "\n".join(_line(cells) for cells in (HEADERS, ("---",) * len(HEADERS), *rows))


def _cells(row: Suggestion) -> tuple[str, ...]:
    return (
        URGENCY_WORDS[row.urgency],
        row.merchant_sku,
        row.supplier or "未知",
        str(row.quantity),
        row.order_by.isoformat() if row.order_by else "",
        row.stock_out_on.isoformat() if row.stock_out_on else "",
        "" if row.days_of_cover is None else f"{row.days_of_cover:.1f}",
        f"{row.risk:.0%}",
        "" if row.amount is None else f"¥{row.amount:,.2f}",
        str(row.rule_quantity),
        row.reason,
    )


def _line(cells: Sequence[str]) -> str:
    # a bar would end the cell; SKU codes are the merchant's own text
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
