-- Parcels of every touched order, made anew from its lines, shipments and traces: what a trace told survives any order page.
CREATE TEMP TABLE touched_orders AS SELECT DISTINCT * FROM touched;

CREATE TEMP TABLE shipped_line AS
SELECT platform, shop, order_id, line_id, quantity, carrier, tracking_number, shipped_at
FROM core.order_lines SEMI JOIN touched_orders USING (platform, shop, order_id);

-- a logistics order that was called off is no parcel
CREATE TEMP TABLE shipment AS
SELECT * FROM core.shipments SEMI JOIN touched_orders USING (platform, shop, order_id)
WHERE coalesce(source_status, '') NOT IN ('CANCELLED', 'CLOSED');

-- a line stands once in its order; what shipments say comes beside it, and only what lines have not said
CREATE TEMP TABLE told AS
SELECT DISTINCT s.platform, s.shop, s.order_id, s.tracking_number, l.line_id, l.quantity, l.shipped_at
FROM shipment AS s JOIN shipped_line AS l USING (platform, shop, order_id)
-- a shipment that names no lines holds all that went out and carry no other number
WHERE l.tracking_number IS DISTINCT FROM s.tracking_number
  AND CASE WHEN len(s.line_ids) > 0 THEN list_contains(s.line_ids, l.line_id)
    ELSE l.shipped_at IS NOT NULL AND l.tracking_number IS NULL END;

DELETE FROM core.parcels AS p USING touched_orders AS t
WHERE p.platform = t.platform AND p.shop = t.shop AND p.order_id = t.order_id;
INSERT INTO core.parcels BY NAME
SELECT p.platform, p.shop, p.order_id, p.tracking_number, coalesce(p.line_carrier, p.shipment_carrier) AS carrier,
  coalesce(p.shipped_at, p.created_at) AS shipped_at, t.last_trace_at, t.last_trace_action, t.signed_at,
  NULL AS stalled_since,
  CASE WHEN t.order_id IS NULL THEN 'not_fetched' WHEN t.step_count = 0 THEN 'not_tracked' ELSE 'fetched' END AS trace_state
FROM (
  SELECT platform, shop, order_id, tracking_number, min(line_carrier) AS line_carrier, min(shipped_at) AS shipped_at,
    min(shipment_carrier) AS shipment_carrier, min(created_at) AS created_at
  FROM (
    SELECT platform, shop, order_id, tracking_number, carrier AS line_carrier, shipped_at, NULL AS shipment_carrier,
      NULL AS created_at
    FROM shipped_line WHERE tracking_number IS NOT NULL
    UNION ALL
    SELECT platform, shop, order_id, tracking_number, NULL, shipped_at, NULL, NULL FROM told
    UNION ALL
    SELECT platform, shop, order_id, tracking_number, NULL, NULL, carrier, created_at FROM shipment
    UNION ALL
    SELECT platform, shop, order_id, tracking_number, NULL, NULL, carrier, NULL
    FROM core.traces SEMI JOIN touched_orders USING (platform, shop, order_id))
  GROUP BY ALL) AS p
LEFT JOIN core.traces AS t USING (platform, shop, order_id, tracking_number);

DELETE FROM core.parcel_lines AS p USING touched_orders AS t
WHERE p.platform = t.platform AND p.shop = t.shop AND p.order_id = t.order_id;
INSERT INTO core.parcel_lines BY NAME
WITH member AS (
  SELECT platform, shop, order_id, tracking_number, line_id, quantity
  FROM shipped_line WHERE tracking_number IS NOT NULL
  UNION ALL
  SELECT platform, shop, order_id, tracking_number, line_id, quantity FROM told)
SELECT m.platform, m.shop, m.order_id, m.tracking_number, m.line_id,
  CASE WHEN several.line_id IS NULL THEN m.quantity END AS quantity
FROM member AS m LEFT JOIN (
  -- only a line that a shipment tells of can be in two parcels
  SELECT platform, shop, order_id, line_id FROM member SEMI JOIN told USING (platform, shop, order_id, line_id)
  GROUP BY ALL HAVING count(*) > 1) AS several USING (platform, shop, order_id, line_id);
