-- Refunds. Newest modified wins, then newest fetch.
CREATE TEMP TABLE win_refunds AS
SELECT n.*, CASE WHEN settled(r.status, r.goods_returned) THEN r.line_id END AS line_before FROM (
  FROM memory.staged.refunds QUALIFY row_number() OVER (
    PARTITION BY platform, shop, refund_id ORDER BY modified_at DESC, synced_at DESC, row_no DESC) = 1) AS n
LEFT JOIN core.refunds AS r USING (platform, shop, refund_id)
WHERE r.refund_id IS NULL OR row(n.modified_at, n.synced_at) > row(r.modified_at, r.synced_at);

DELETE FROM core.refunds AS r USING win_refunds AS w
WHERE r.platform = w.platform AND r.shop = w.shop AND r.refund_id = w.refund_id;
INSERT INTO core.refunds BY NAME SELECT * EXCLUDE (row_no, page_id, line_before) FROM win_refunds;
-- A refund that is shown again after it was marked is not gone, whatever its version.
UPDATE core.refunds AS r SET vanished_at = NULL
FROM (SELECT platform, shop, refund_id, max(synced_at) AS seen_at FROM memory.staged.refunds GROUP BY ALL) AS s
WHERE r.vanished_at < s.seen_at AND r.platform = s.platform AND r.shop = s.shop AND r.refund_id = s.refund_id;
INSERT INTO touched_refunds SELECT platform, shop, refund_id FROM win_refunds;
INSERT INTO refunded_lines
SELECT platform, shop, line_id FROM win_refunds WHERE settled(status, goods_returned)
UNION SELECT platform, shop, line_before FROM win_refunds WHERE line_before IS NOT NULL;
