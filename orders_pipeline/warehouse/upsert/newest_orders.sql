-- Before the lock: of each order the newest staged version, the newest deposit seen and the newest fetch that showed it.
-- Keys and versions only: the rest of a row is copied once, when it is written.
CREATE TABLE staged.newest_orders AS
WITH best AS (
  SELECT platform, shop, order_id,
    arg_max(row_no, {'modified': modified_at, 'synced': synced_at, 'row_no': row_no}) AS row_no,
    max({'seen_at': deposit_seen_at, 'amount': deposit_amount}) FILTER (deposit_seen_at IS NOT NULL) AS best_deposit,
    max(synced_at) AS last_seen_at
  FROM staged.orders GROUP BY ALL
)
SELECT row_no, o.page_id, o.platform, o.shop, o.order_id, o.modified_at, o.synced_at, best.best_deposit, best.last_seen_at
FROM staged.orders AS o JOIN best USING (row_no);

-- A line belongs to one order: of several that claim it, the first id keeps it; otherwise the page could never be applied.
CREATE TEMP TABLE claimed AS
WITH twice AS (
  -- an order that names a line twice was rejected before, so two rows are two orders; next to none are
  SELECT platform, shop, line_id FROM staged.order_lines SEMI JOIN staged.newest_orders USING (row_no)
  GROUP BY ALL HAVING count(*) > 1),
line AS (
  SELECT row_no, page_id, platform, shop, line_id, order_id
  FROM staged.order_lines SEMI JOIN staged.newest_orders USING (row_no) SEMI JOIN twice USING (platform, shop, line_id)),
owned AS (SELECT platform, shop, line_id, min(order_id) AS owner FROM line GROUP BY ALL)
SELECT DISTINCT row_no, page_id, order_id FROM line JOIN owned USING (platform, shop, line_id) WHERE order_id <> owner;
INSERT INTO staged.rejected SELECT page_id, order_id, 'a line belongs to another order' FROM claimed;
DELETE FROM staged.newest_orders WHERE row_no IN (SELECT row_no FROM claimed);
DROP TABLE claimed;
