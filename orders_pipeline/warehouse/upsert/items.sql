-- SKUs and their stock. A page shows an item whole, so the newest fetch wins and what it no longer shows is deleted: stock
-- changes without the item's `modified` changing, which therefore cannot decide here.
INSERT INTO touched_products SELECT DISTINCT platform, shop, product_id FROM memory.staged.skus;

CREATE TEMP TABLE win_skus AS
SELECT n.* FROM (
  FROM memory.staged.skus QUALIFY row_number() OVER (
    PARTITION BY platform, shop, product_id, sku_id ORDER BY synced_at DESC, row_no DESC) = 1) AS n
LEFT JOIN core.skus AS s USING (platform, shop, product_id, sku_id)
WHERE s.product_id IS NULL OR n.synced_at > s.synced_at;

DELETE FROM core.skus AS s USING win_skus AS w
WHERE s.platform = w.platform AND s.shop = w.shop AND s.product_id = w.product_id AND s.sku_id = w.sku_id;
INSERT INTO core.skus BY NAME SELECT * EXCLUDE (row_no, page_id) FROM win_skus;

UPDATE core.skus AS s SET status = 'deleted'
FROM (
  SELECT platform, shop, product_id, max(synced_at) AS newest
  FROM core.skus SEMI JOIN touched_products USING (platform, shop, product_id) GROUP BY ALL) AS p
WHERE s.platform = p.platform AND s.shop = p.shop AND s.product_id = p.product_id
  AND s.synced_at < p.newest AND s.status <> 'deleted';

CREATE TEMP TABLE snapshot AS
SELECT * EXCLUDE (row_no, page_id) FROM memory.staged.stock_snapshots QUALIFY row_number() OVER (
  PARTITION BY platform, shop, product_id, sku_id, snapshot_at ORDER BY row_no DESC) = 1;

INSERT INTO core.stock_snapshots BY NAME
SELECT n.* FROM snapshot AS n ANTI JOIN (
  FROM core.stock_snapshots WHERE snapshot_at BETWEEN (SELECT min(snapshot_at) FROM snapshot)
    AND (SELECT max(snapshot_at) FROM snapshot)) AS known
  USING (platform, shop, product_id, sku_id, snapshot_at);

CREATE TEMP TABLE stock_now AS
SELECT * FROM (
  SELECT * FROM core.stock SEMI JOIN touched_products USING (platform, shop, product_id)
  UNION SELECT * FROM snapshot)
QUALIFY snapshot_at = max(snapshot_at) OVER (PARTITION BY platform, shop, product_id);

DELETE FROM core.stock AS s USING touched_products AS p
WHERE s.platform = p.platform AND s.shop = p.shop AND s.product_id = p.product_id;
INSERT INTO core.stock BY NAME SELECT * FROM stock_now;

-- A complete snapshot (channel full) shows every item of the shop: what stands in none of its pages is gone. Items that were
-- set aside are there all the same.
CREATE TEMP TABLE gone AS
SELECT DISTINCT s.platform, s.shop, s.product_id
FROM core.skus AS s
JOIN (
  SELECT platform, shop, max(fetched_at) AS fetched_at FROM memory.staged.pages
  WHERE channel = 'full' AND page_id IN (SELECT page_id FROM memory.staged.skus) GROUP BY ALL) AS complete
  USING (platform, shop)
WHERE s.synced_at < complete.fetched_at
  AND s.product_id NOT IN (SELECT row_id FROM memory.staged.rejected WHERE row_id IS NOT NULL);
INSERT INTO touched_products SELECT platform, shop, product_id FROM gone;
UPDATE core.skus AS s SET status = 'deleted' FROM gone AS g
WHERE s.platform = g.platform AND s.shop = g.shop AND s.product_id = g.product_id AND s.status <> 'deleted';
DELETE FROM core.stock AS s USING gone AS g
WHERE s.platform = g.platform AND s.shop = g.shop AND s.product_id = g.product_id;
