-- The few lines that daily_sales.sql treats apart, by rowid: found once, before the days are gone through. Rules: daily_sales.py.
CREATE OR REPLACE TEMP TABLE vanished_lines AS
SELECT l.rowid AS line
FROM core.order_lines AS l
JOIN (SELECT platform, shop, order_id FROM core.orders WHERE vanished_at IS NOT NULL) USING (platform, shop, order_id);

CREATE OR REPLACE TEMP VIEW counted_lines AS
SELECT
    l.rowid AS line, platform, shop, order_id, line_id, sku AS merchant_sku, paid_on AS date, quantity, paid_amount, skus_differ,
    status, coalesce(shipped_at, order_shipped_at) AS sent_at
FROM core.order_lines AS l
ANTI JOIN vanished_lines AS v ON v.line = l.rowid
WHERE paid_on IS NOT NULL AND NOT is_presale AND NOT is_gift AND unit_price > 0 AND quantity > 0;

-- a line that closed before it left is cancelled as a whole, whatever its refund row says or if it has not come yet
CREATE OR REPLACE TEMP TABLE refunded_early AS
SELECT line, merchant_sku, date, quantity, skus_differ, quantity AS units, paid_amount AS amount
FROM counted_lines
WHERE status IN ('closed_refunded', 'closed_unpaid') AND sent_at IS NULL;

INSERT INTO refunded_early
SELECT
    line, merchant_sku, date, quantity, skus_differ, least(quantity, sum(units))::INTEGER AS units,
    least(paid_amount, sum(refunded_amount))::DECIMAL(18, 2) AS amount
FROM (
    SELECT
        l.rowid AS line, sku AS merchant_sku, paid_on AS date, l.quantity, l.skus_differ, l.paid_amount, r.refunded_amount,
        -- what the money pays for in whole units, as the platform gives the line's own quantity even for a price difference; in
        -- fen, because dividing decimals gives a double and 24.60 / 8.20 falls short of 3
        CASE WHEN l.paid_amount > 0
             THEN least(coalesce(r.quantity, l.quantity), l.quantity * (r.refunded_amount * 100)::BIGINT // (l.paid_amount * 100)::BIGINT)
             ELSE coalesce(r.quantity, l.quantity) END AS units
    FROM core.order_lines AS l
    JOIN (FROM core.refunds WHERE status = 'refunded' AND NOT coalesce(goods_returned, false)) AS r
        -- one key to join by, as three take twice the time for ten million lines; the others are looked at where it matches
        ON l.line_id = r.line_id AND CASE WHEN l.platform = r.platform THEN l.shop = r.shop ELSE false END
    WHERE paid_on IS NOT NULL AND NOT is_presale AND NOT is_gift AND unit_price > 0 AND l.quantity > 0
        AND CASE WHEN coalesce(l.shipped_at, order_shipped_at) IS NULL THEN l.status NOT IN ('closed_refunded', 'closed_unpaid')
                 ELSE coalesce(r.refunded_at, r.modified_at) < coalesce(l.shipped_at, order_shipped_at) END
)
ANTI JOIN vanished_lines USING (line)
GROUP BY line, merchant_sku, date, quantity, skus_differ, paid_amount;

-- a bundle's money goes to its parts by pieces, since orders name no prices of parts
CREATE OR REPLACE TEMP TABLE parts AS
SELECT
    platform, shop, line_id, quantity, quantity / sum(quantity) OVER (PARTITION BY platform, shop, line_id) AS share,
    coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, coalesce(product_id, ''), sku_id)) AS merchant_sku
FROM core.line_parts;
