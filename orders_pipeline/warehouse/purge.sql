-- What a purge takes, as temporary tables keyed like the tables of core. $cutoff: what did not change since then goes.
-- An order goes with all that hangs on it; what hangs on no known order goes by its own age.
CREATE OR REPLACE TEMP TABLE gone_orders AS
SELECT platform, shop, order_id FROM core.orders WHERE greatest(created_at, paid_at, modified_at) < $cutoff::TIMESTAMPTZ;

CREATE OR REPLACE TEMP TABLE kept_orders AS
SELECT platform, shop, order_id FROM core.orders ANTI JOIN gone_orders USING (platform, shop, order_id);

CREATE OR REPLACE TEMP TABLE gone_order_lines AS
SELECT platform, shop, line_id FROM core.order_lines ANTI JOIN kept_orders USING (platform, shop, order_id);

CREATE OR REPLACE TEMP TABLE gone_line_parts AS
SELECT platform, shop, line_id, part_no FROM core.line_parts ANTI JOIN kept_orders USING (platform, shop, order_id);

CREATE OR REPLACE TEMP TABLE gone_refunds AS
SELECT platform, shop, refund_id FROM core.refunds ANTI JOIN kept_orders USING (platform, shop, order_id)
WHERE modified_at < $cutoff::TIMESTAMPTZ;

CREATE OR REPLACE TEMP TABLE gone_shipments AS
SELECT platform, shop, order_id, tracking_number FROM core.shipments ANTI JOIN kept_orders USING (platform, shop, order_id)
WHERE modified_at < $cutoff::TIMESTAMPTZ OR (platform, shop, order_id) IN (FROM gone_orders);

CREATE OR REPLACE TEMP TABLE gone_traces AS
SELECT platform, shop, order_id, tracking_number FROM core.traces ANTI JOIN kept_orders USING (platform, shop, order_id)
WHERE synced_at < $cutoff::TIMESTAMPTZ OR (platform, shop, order_id) IN (FROM gone_orders);

-- parcels are derived: one stays as long as anything that tells of it
CREATE OR REPLACE TEMP TABLE gone_parcels AS
SELECT platform, shop, order_id, tracking_number FROM core.parcels
ANTI JOIN kept_orders USING (platform, shop, order_id)
ANTI JOIN (
  SELECT platform, shop, order_id, tracking_number FROM core.shipments
  ANTI JOIN gone_shipments USING (platform, shop, order_id, tracking_number)
  UNION ALL
  SELECT platform, shop, order_id, tracking_number FROM core.traces
  ANTI JOIN gone_traces USING (platform, shop, order_id, tracking_number)) AS told
  USING (platform, shop, order_id, tracking_number);

CREATE OR REPLACE TEMP TABLE gone_parcel_lines AS
SELECT platform, shop, order_id, tracking_number, line_id FROM core.parcel_lines
ANTI JOIN kept_orders USING (platform, shop, order_id);
