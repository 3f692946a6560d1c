-- What upsert/early_refunds.sql keeps on each line since, for the lines that are there.
ALTER TABLE core.order_lines ADD COLUMN early_refund_units INTEGER;
ALTER TABLE core.order_lines ADD COLUMN early_refund_amount DECIMAL(18,2);

UPDATE core.order_lines
SET early_refund_units = CASE WHEN status IN ('closed_refunded', 'closed_unpaid') AND coalesce(shipped_at, order_shipped_at) IS NULL
    THEN quantity ELSE 0 END,
  early_refund_amount = CASE WHEN status IN ('closed_refunded', 'closed_unpaid') AND coalesce(shipped_at, order_shipped_at) IS NULL
    THEN paid_amount ELSE 0 END;

UPDATE core.order_lines AS l
SET early_refund_units = e.units, early_refund_amount = e.amount
FROM (
  SELECT l.rowid AS line,
    least(l.quantity, sum(CASE WHEN l.paid_amount > 0
      THEN least(coalesce(r.quantity, l.quantity), l.quantity * (r.refunded_amount * 100)::BIGINT // (l.paid_amount * 100)::BIGINT)
      ELSE coalesce(r.quantity, l.quantity) END))::INTEGER AS units,
    least(l.paid_amount, sum(r.refunded_amount))::DECIMAL(18, 2) AS amount
  FROM core.order_lines AS l JOIN core.refunds AS r USING (platform, shop, line_id)
  WHERE r.status = 'refunded' AND NOT coalesce(r.goods_returned, false)
    AND CASE WHEN coalesce(l.shipped_at, l.order_shipped_at) IS NULL THEN l.status NOT IN ('closed_refunded', 'closed_unpaid')
      ELSE coalesce(r.refunded_at, r.modified_at) < coalesce(l.shipped_at, l.order_shipped_at) END
  GROUP BY l.rowid, l.quantity, l.paid_amount) AS e
WHERE l.rowid = e.line;

COMMENT ON COLUMN core.order_lines.early_refund_units IS 'Units refunded before the line was sent; all of them where it closed before it was sent.';
COMMENT ON COLUMN core.order_lines.early_refund_amount IS 'What was paid back for the line before it was sent, yuan; all of paid_amount where it closed before it was sent.';
