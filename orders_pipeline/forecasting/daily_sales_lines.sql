-- What daily_sales.sql looks at, made once, before the days are gone through. Rules: daily_sales.py.
CREATE OR REPLACE TEMP TABLE vanished_lines AS
SELECT l.rowid AS line
FROM core.order_lines AS l
JOIN (SELECT platform, shop, order_id FROM core.orders WHERE vanished_at IS NOT NULL) USING (platform, shop, order_id);

CREATE OR REPLACE TEMP VIEW counted_lines AS
SELECT
    platform, shop, order_id, line_id, sku AS merchant_sku, paid_on AS date, skus_differ, quantity - early_refund_units AS units,
    paid_amount - early_refund_amount AS revenue, early_refund_units AS refunded_units
FROM core.order_lines AS l
ANTI JOIN vanished_lines AS v ON v.line = l.rowid
WHERE paid_on IS NOT NULL AND NOT is_presale AND NOT is_gift AND unit_price > 0 AND quantity > 0;

-- a bundle's money goes to its parts by pieces, since orders name no prices of parts
CREATE OR REPLACE TEMP TABLE parts AS
SELECT
    platform, shop, line_id, quantity, quantity / sum(quantity) OVER (PARTITION BY platform, shop, line_id) AS share,
    coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, coalesce(product_id, ''), sku_id)) AS merchant_sku
FROM core.line_parts;
