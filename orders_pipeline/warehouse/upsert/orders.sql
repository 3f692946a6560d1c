-- Orders with their lines. Newest modified wins, then newest fetch; a version that is not newer changes nothing, save that
-- it may know a newer deposit, or show that a vanished order is listed again.
CREATE TEMP TABLE seen AS
SELECT n.*,
  o.order_id IS NULL OR row(n.modified_at, n.synced_at) > row(o.modified_at, o.synced_at) AS wins,
  -- equal versions are told apart by amount, so that the order of arrival does not matter
  CASE WHEN o.deposit_seen_at IS NOT NULL AND (n.best_deposit IS NULL
      OR row(o.deposit_seen_at, o.deposit_amount) > row(n.best_deposit.seen_at, n.best_deposit.amount))
    THEN {'seen_at': o.deposit_seen_at, 'amount': o.deposit_amount} ELSE n.best_deposit END AS deposit,
  CASE WHEN o.vanished_at >= n.last_seen_at THEN o.vanished_at END AS still_vanished_at,
  o.deposit_seen_at IS DISTINCT FROM deposit['seen_at'] OR o.deposit_amount IS DISTINCT FROM deposit['amount']
    OR o.vanished_at IS DISTINCT FROM still_vanished_at AS amends
FROM memory.staged.newest_orders AS n LEFT JOIN core.orders AS o USING (platform, shop, order_id);

-- As in the stage, against what is stored: the stored order keeps its line.
INSERT INTO late_rejected
SELECT DISTINCT l.page_id, l.order_id, 'a line belongs to another order', l.row_no
FROM memory.staged.order_lines AS l JOIN core.order_lines AS stored USING (platform, shop, line_id)
WHERE stored.order_id <> l.order_id AND l.row_no IN (SELECT row_no FROM seen WHERE wins);

CREATE TEMP TABLE win AS SELECT * FROM seen WHERE wins AND row_no NOT IN (SELECT row_no FROM late_rejected);

DELETE FROM core.orders AS o USING win
WHERE o.platform = win.platform AND o.shop = win.shop AND o.order_id = win.order_id;
INSERT INTO core.orders BY NAME
SELECT o.* EXCLUDE (row_no, page_id)
  REPLACE (deposit.seen_at AS deposit_seen_at, deposit.amount AS deposit_amount, still_vanished_at AS vanished_at)
FROM memory.staged.orders AS o JOIN win USING (row_no);

UPDATE core.orders AS o
SET deposit_seen_at = s.deposit.seen_at, deposit_amount = s.deposit.amount, vanished_at = s.still_vanished_at
FROM seen AS s
WHERE NOT s.wins AND s.amends AND o.platform = s.platform AND o.shop = s.shop AND o.order_id = s.order_id;

DELETE FROM core.order_lines AS l USING win
WHERE l.platform = win.platform AND l.shop = win.shop AND l.order_id = win.order_id;
-- What a line takes from its order and its neighbours, so that sums of ten million lines need not look at them again.
CREATE TEMP TABLE repeats AS
SELECT row_no FROM (
  SELECT row_no, count(*) AS lines FROM memory.staged.order_lines SEMI JOIN win USING (row_no) GROUP BY row_no, sku)
WHERE lines > 1
UNION SELECT row_no FROM memory.staged.line_parts;
INSERT INTO core.order_lines BY NAME
SELECT * REPLACE (
  CASE WHEN closed_unsent(status, coalesce(shipped_at, order_shipped_at)) THEN quantity ELSE 0 END AS early_refund_units,
  CASE WHEN closed_unsent(status, coalesce(shipped_at, order_shipped_at)) THEN paid_amount ELSE 0 END AS early_refund_amount)
FROM (
  SELECT l.* EXCLUDE (row_no, page_id) REPLACE (
    CASE WHEN l.shipped_at IS NULL AND (l.tracking_number IS NOT NULL OR l.status IN ('shipped', 'completed'))
      THEN o.shipped_at END AS order_shipped_at,
    o.paid_on AS paid_on,
    coalesce(o.order_type, '') = 'step' OR coalesce(o.presale_step, '') <> '' AS is_presale,
    l.row_no NOT IN (FROM repeats) AS skus_differ)
  FROM memory.staged.order_lines AS l JOIN win USING (row_no) JOIN memory.staged.orders AS o USING (row_no));

DELETE FROM core.line_parts AS p USING win
WHERE p.platform = win.platform AND p.shop = win.shop AND p.order_id = win.order_id;
INSERT INTO core.line_parts BY NAME
SELECT * EXCLUDE (row_no, page_id) FROM memory.staged.line_parts SEMI JOIN win USING (row_no);

INSERT INTO touched SELECT platform, shop, order_id FROM win;
INSERT INTO touched_lines SELECT platform, shop, line_id FROM memory.staged.order_lines SEMI JOIN win USING (row_no);
