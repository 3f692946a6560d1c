-- What every commit keeps, looked at for the rows that this one touched. Answers with the rules that are broken.
-- Parcels and their lines are left to an asset check: parcels.sql groups by their keys, and looking doubles this query's cost.
WITH o AS (
  FROM core.orders SEMI JOIN touched USING (platform, shop, order_id)
  SELECT platform, shop, order_id, count(*) AS stored, min(line_count) AS line_count GROUP BY ALL),
l AS (
  FROM core.order_lines SEMI JOIN touched USING (platform, shop, order_id)
  SELECT platform, shop, order_id, count(*) AS lines GROUP BY ALL),
compared AS MATERIALIZED (
  SELECT coalesce(bool_or(stored > 1), false) AS twice, coalesce(bool_or(line_count IS DISTINCT FROM lines), false) AS torn
  FROM o FULL JOIN l USING (platform, shop, order_id))
SELECT 'core.orders has one row an order' AS rule FROM compared WHERE twice
UNION ALL
SELECT 'an order has all its lines and a line has its order' FROM compared WHERE torn
UNION ALL
SELECT 'core.order_lines has one row a line' WHERE EXISTS (
  FROM core.order_lines SEMI JOIN touched_lines USING (platform, shop, line_id)
  SELECT 1 GROUP BY platform, shop, line_id HAVING count(*) > 1)
UNION ALL
SELECT 'core.refunds has one row a refund' WHERE EXISTS (
  FROM core.refunds SEMI JOIN touched_refunds USING (platform, shop, refund_id)
  SELECT 1 GROUP BY platform, shop, refund_id HAVING count(*) > 1)
UNION ALL
SELECT 'core.skus has one row a SKU' WHERE EXISTS (
  FROM core.skus SEMI JOIN touched_products USING (platform, shop, product_id)
  SELECT 1 GROUP BY platform, shop, product_id, sku_id HAVING count(*) > 1)
UNION ALL
SELECT 'core.stock has one row a SKU' WHERE EXISTS (
  FROM core.stock SEMI JOIN touched_products USING (platform, shop, product_id)
  SELECT 1 GROUP BY platform, shop, product_id, sku_id HAVING count(*) > 1)
