-- What of a line was refunded before it was sent, for the daily sums: looked at where this transaction wrote the line or one of
-- its refunds, so that it does not matter which of them came first. What a line tells alone is written with it: orders.sql.
CREATE TEMP TABLE early_refunds AS
SELECT l.rowid AS line,
  -- what the money pays for in whole units, as the platform gives the line's own quantity even for a price difference; in fen,
  -- because dividing decimals gives a double and 24.60 / 8.20 falls short of 3
  least(l.quantity, coalesce(sum(CASE WHEN l.paid_amount > 0
    THEN least(coalesce(r.quantity, l.quantity), l.quantity * (r.refunded_amount * 100)::BIGINT // (l.paid_amount * 100)::BIGINT)
    ELSE coalesce(r.quantity, l.quantity) END) FILTER (r.refund_id IS NOT NULL), 0))::INTEGER AS units,
  least(l.paid_amount, coalesce(sum(r.refunded_amount), 0))::DECIMAL(18,2) AS amount
FROM core.order_lines AS l
SEMI JOIN (
  SELECT platform, shop, line_id FROM touched_lines SEMI JOIN core.refunds USING (platform, shop, line_id)
  UNION FROM refunded_lines) AS asked USING (platform, shop, line_id)
LEFT JOIN core.refunds AS r
  ON r.platform = l.platform AND r.shop = l.shop AND r.line_id = l.line_id
    AND r.status = 'refunded' AND NOT coalesce(r.goods_returned, false)
    AND coalesce(coalesce(r.refunded_at, r.modified_at) < coalesce(l.shipped_at, l.order_shipped_at), true)
WHERE NOT closed_unsent(l.status, coalesce(l.shipped_at, l.order_shipped_at))
GROUP BY l.rowid, l.quantity, l.paid_amount, l.early_refund_units, l.early_refund_amount
HAVING units IS DISTINCT FROM l.early_refund_units OR amount IS DISTINCT FROM l.early_refund_amount;

UPDATE core.order_lines AS l SET early_refund_units = e.units, early_refund_amount = e.amount
FROM early_refunds AS e WHERE l.rowid = e.line;
