-- Ways of parcels. The newest fetch wins: a trace has no version of its own. One without steps never replaces one with steps.
CREATE TEMP TABLE win_traces AS
SELECT n.* FROM (
  FROM memory.staged.traces QUALIFY row_number() OVER (
    PARTITION BY platform, shop, order_id, tracking_number ORDER BY step_count > 0 DESC, synced_at DESC, row_no DESC) = 1) AS n
LEFT JOIN core.traces AS t USING (platform, shop, order_id, tracking_number)
WHERE t.order_id IS NULL OR row(n.step_count > 0, n.synced_at) > row(t.step_count > 0, t.synced_at);

DELETE FROM core.traces AS t USING win_traces AS w
WHERE t.platform = w.platform AND t.shop = w.shop AND t.order_id = w.order_id AND t.tracking_number = w.tracking_number;
INSERT INTO core.traces BY NAME SELECT * EXCLUDE (row_no, page_id) FROM win_traces;

INSERT INTO touched SELECT platform, shop, order_id FROM win_traces;
