-- What every commit keeps, looked at for the rows that this one touched. Answers with the rules that are broken.
-- Parcels and their lines are left to an asset check: parcels.sql groups by their keys, and looking doubles this query's cost.
SELECT 'core.orders has one row an order' AS rule WHERE EXISTS (
  FROM core.orders SEMI JOIN touched USING (platform, shop, order_id)
  SELECT 1 GROUP BY platform, shop, order_id HAVING count(*) > 1)
UNION ALL
SELECT 'core.order_lines has one row a line' WHERE EXISTS (
  FROM core.order_lines SEMI JOIN touched_lines USING (platform, shop, line_id)
  SELECT 1 GROUP BY platform, shop, line_id HAVING count(*) > 1)
UNION ALL
SELECT 'an order has all its lines and a line has its order' WHERE EXISTS (
  SELECT 1
  FROM (SELECT * FROM core.orders SEMI JOIN touched USING (platform, shop, order_id)) AS o
  FULL JOIN (
    FROM core.order_lines SEMI JOIN touched USING (platform, shop, order_id)
    SELECT platform, shop, order_id, count(*) AS lines GROUP BY ALL) AS l USING (platform, shop, order_id)
  WHERE o.line_count IS DISTINCT FROM l.lines)
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
