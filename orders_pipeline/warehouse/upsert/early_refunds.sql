-- What of a line was refunded before it was sent, for the daily sums: looked at where this transaction wrote the line or one of
-- its refunds, so that it does not matter which of them came first. What a line tells alone is written with it: orders.sql.
CREATE TEMP TABLE refunded AS
SELECT l.rowid AS line, platform, shop, line_id, quantity, paid_amount, coalesce(shipped_at, order_shipped_at) AS sent_at,
  early_refund_units, early_refund_amount
FROM core.order_lines AS l
SEMI JOIN (
  SELECT platform, shop, line_id FROM touched_lines SEMI JOIN core.refunds USING (platform, shop, line_id)
  UNION FROM refunded_lines) AS asked USING (platform, shop, line_id)
WHERE NOT closed_unsent(status, sent_at);

CREATE TEMP TABLE early_refunds AS
SELECT l.line,
  -- what the money pays for in whole units, as the platform gives the line's own quantity even for a price difference; in fen,
  -- because dividing decimals gives a double and 24.60 / 8.20 falls short of 3
  least(l.quantity, coalesce(sum(CASE WHEN l.paid_amount > 0
    THEN least(coalesce(r.quantity, l.quantity), l.quantity * (r.refunded_amount * 100)::BIGINT // (l.paid_amount * 100)::BIGINT)
    ELSE coalesce(r.quantity, l.quantity) END) FILTER (r.line IS NOT NULL), 0))::INTEGER AS units,
  least(l.paid_amount, coalesce(sum(r.refunded_amount), 0))::DECIMAL(18,2) AS amount
FROM refunded AS l
LEFT JOIN (
  SELECT l.line, r.quantity, r.refunded_amount
  FROM core.refunds AS r JOIN refunded AS l USING (platform, shop, line_id)
  WHERE settled(r.status, r.goods_returned) AND coalesce(coalesce(r.refunded_at, r.modified_at) < l.sent_at, true)) AS r
  ON r.line = l.line
GROUP BY l.line, l.quantity, l.paid_amount, l.early_refund_units, l.early_refund_amount
HAVING units IS DISTINCT FROM l.early_refund_units OR amount IS DISTINCT FROM l.early_refund_amount;

UPDATE core.order_lines AS l SET early_refund_units = e.units, early_refund_amount = e.amount
FROM early_refunds AS e WHERE l.rowid = e.line;
