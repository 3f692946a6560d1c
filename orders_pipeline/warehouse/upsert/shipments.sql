-- Logistics orders. Newest modified wins, then newest fetch.
CREATE TEMP TABLE win_shipments AS
SELECT n.* FROM (
  FROM memory.staged.shipments QUALIFY row_number() OVER (
    PARTITION BY platform, shop, order_id, tracking_number ORDER BY modified_at DESC, synced_at DESC, row_no DESC) = 1) AS n
LEFT JOIN core.shipments AS s USING (platform, shop, order_id, tracking_number)
WHERE s.order_id IS NULL OR row(n.modified_at, n.synced_at) > row(s.modified_at, s.synced_at);

DELETE FROM core.shipments AS s USING win_shipments AS w
WHERE s.platform = w.platform AND s.shop = w.shop AND s.order_id = w.order_id AND s.tracking_number = w.tracking_number;
INSERT INTO core.shipments BY NAME SELECT * EXCLUDE (row_no, page_id) FROM win_shipments;

INSERT INTO touched SELECT platform, shop, order_id FROM win_shipments;
