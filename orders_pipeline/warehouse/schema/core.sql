-- What shops sold, shipped, refunded and hold, one row a thing, whatever the platform.
-- No primary keys and no indexes: they cost more than they give here and can corrupt on a crash; writes keep keys unique.
CREATE SCHEMA IF NOT EXISTS core;

CREATE TABLE core.orders (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  order_type VARCHAR,
  status VARCHAR NOT NULL,
  source_status VARCHAR NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  created_on DATE NOT NULL,
  paid_at TIMESTAMPTZ,
  paid_on DATE,
  shipped_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ,
  modified_at TIMESTAMPTZ NOT NULL,
  goods_amount DECIMAL(18,2) NOT NULL,
  freight_amount DECIMAL(18,2) NOT NULL,
  discount_amount DECIMAL(18,2) NOT NULL,
  adjust_amount DECIMAL(18,2) NOT NULL,
  payable_amount DECIMAL(18,2) NOT NULL,
  paid_amount DECIMAL(18,2) NOT NULL,
  received_amount DECIMAL(18,2) NOT NULL,
  presale_step VARCHAR,
  deposit_amount DECIMAL(18,2),
  deposit_seen_at TIMESTAMPTZ,
  province VARCHAR,
  city VARCHAR,
  line_count INTEGER NOT NULL,
  synced_at TIMESTAMPTZ NOT NULL,
  vanished_at TIMESTAMPTZ
);
COMMENT ON TABLE core.orders IS 'Orders, newest version the platform has shown. Key: platform, shop, order_id.';
COMMENT ON COLUMN core.orders.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.orders.shop IS 'Slug of the shop, unique across platforms.';
COMMENT ON COLUMN core.orders.order_id IS 'The platform''s order id, as text.';
COMMENT ON COLUMN core.orders.order_type IS 'Kind of order in the platform''s words, e.g. fixed, step (presale), cod.';
COMMENT ON COLUMN core.orders.status IS 'unpaid, deposit_paid, paid_on_hold, to_ship, part_shipped, shipped, completed, closed_unpaid, closed_refunded, unknown.';
COMMENT ON COLUMN core.orders.source_status IS 'The platform''s own status code.';
COMMENT ON COLUMN core.orders.created_at IS 'When the buyer placed the order.';
COMMENT ON COLUMN core.orders.created_on IS 'Day of created_at in Asia/Shanghai.';
COMMENT ON COLUMN core.orders.paid_at IS 'When the buyer paid; NULL until then.';
COMMENT ON COLUMN core.orders.paid_on IS 'Day of paid_at in Asia/Shanghai.';
COMMENT ON COLUMN core.orders.shipped_at IS 'When the seller shipped, the first parcel where there are several.';
COMMENT ON COLUMN core.orders.ended_at IS 'When the order was completed or closed.';
COMMENT ON COLUMN core.orders.modified_at IS 'Last change on the platform: the version of this row.';
COMMENT ON COLUMN core.orders.goods_amount IS 'Sum of price times quantity, yuan. goods + freight + adjust - discount = payable.';
COMMENT ON COLUMN core.orders.freight_amount IS 'Freight that the buyer pays, yuan.';
COMMENT ON COLUMN core.orders.discount_amount IS 'Discounts of the order and of its lines together, yuan, positive.';
COMMENT ON COLUMN core.orders.adjust_amount IS 'Price changes by hand, yuan, signed.';
COMMENT ON COLUMN core.orders.payable_amount IS 'What the buyer has to pay, freight included, yuan.';
COMMENT ON COLUMN core.orders.paid_amount IS 'payable_amount once paid_at is set, else 0, yuan.';
COMMENT ON COLUMN core.orders.received_amount IS 'What has been released to the seller so far, yuan.';
COMMENT ON COLUMN core.orders.presale_step IS 'Step of a presale order in the platform''s words; NULL for other orders. A forfeited deposit stays visible here.';
COMMENT ON COLUMN core.orders.deposit_amount IS 'Presale deposit as last seen while the final payment was due, yuan; NULL where that step was never seen.';
COMMENT ON COLUMN core.orders.deposit_seen_at IS 'modified_at of the version that deposit_amount was read from.';
COMMENT ON COLUMN core.orders.province IS 'Province of the receiver, as the platform writes it.';
COMMENT ON COLUMN core.orders.city IS 'City of the receiver, else the district (county-level cities).';
COMMENT ON COLUMN core.orders.line_count IS 'Number of lines of the order in core.order_lines.';
COMMENT ON COLUMN core.orders.synced_at IS 'When the page that this version came from was fetched.';
COMMENT ON COLUMN core.orders.vanished_at IS 'When reconciliation found the order gone from the platform; NULL while it is listed.';

CREATE TABLE core.order_lines (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  line_id VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  product_id VARCHAR,
  sku_id VARCHAR NOT NULL,
  merchant_sku VARCHAR,
  title VARCHAR,
  sku_properties VARCHAR,
  quantity INTEGER NOT NULL,
  unit_price DECIMAL(18,2) NOT NULL,
  discount_amount DECIMAL(18,2) NOT NULL,
  shop_discount_share DECIMAL(18,2) NOT NULL,
  paid_amount DECIMAL(18,2) NOT NULL,
  status VARCHAR NOT NULL,
  source_status VARCHAR NOT NULL,
  refund_status VARCHAR NOT NULL,
  is_gift BOOLEAN NOT NULL,
  carrier VARCHAR,
  tracking_number VARCHAR,
  shipped_at TIMESTAMPTZ,
  sku VARCHAR,
  order_shipped_at TIMESTAMPTZ,
  paid_on DATE,
  is_presale BOOLEAN,
  skus_differ BOOLEAN,
  early_refund_units INTEGER,
  early_refund_amount DECIMAL(18,2)
);
COMMENT ON TABLE core.order_lines IS 'Lines of orders, those of the newest version of each order. Key: platform, shop, line_id.';
COMMENT ON COLUMN core.order_lines.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.order_lines.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.order_lines.line_id IS 'The platform''s line id, as text; may equal order_id where an order has one line.';
COMMENT ON COLUMN core.order_lines.order_id IS 'The order in core.orders.';
COMMENT ON COLUMN core.order_lines.product_id IS 'The platform''s product id.';
COMMENT ON COLUMN core.order_lines.sku_id IS 'The platform''s SKU id; empty text where the product has no SKUs.';
COMMENT ON COLUMN core.order_lines.merchant_sku IS 'The merchant''s own code: of the SKU, else of the product; NULL where neither carries one.';
COMMENT ON COLUMN core.order_lines.title IS 'Product title when ordered.';
COMMENT ON COLUMN core.order_lines.sku_properties IS 'Properties of the SKU as text, e.g. colour and size.';
COMMENT ON COLUMN core.order_lines.quantity IS 'Units ordered.';
COMMENT ON COLUMN core.order_lines.unit_price IS 'List price of one unit, yuan.';
COMMENT ON COLUMN core.order_lines.discount_amount IS 'Discount of this line, yuan.';
COMMENT ON COLUMN core.order_lines.shop_discount_share IS 'This line''s share of the order''s discount, yuan.';
COMMENT ON COLUMN core.order_lines.paid_amount IS 'What the line costs the buyer without freight, yuan: lines'' paid_amount + freight = payable of the order.';
COMMENT ON COLUMN core.order_lines.status IS 'Same words as core.orders.status.';
COMMENT ON COLUMN core.order_lines.source_status IS 'The platform''s own status code.';
COMMENT ON COLUMN core.order_lines.refund_status IS 'none, or the words of core.refunds.status.';
COMMENT ON COLUMN core.order_lines.is_gift IS 'A free gift.';
COMMENT ON COLUMN core.order_lines.carrier IS 'Carrier''s name; NULL before shipping.';
COMMENT ON COLUMN core.order_lines.tracking_number IS 'Number of the parcel; NULL before shipping and for goods that are not sent.';
COMMENT ON COLUMN core.order_lines.shipped_at IS 'When this line was shipped.';
COMMENT ON COLUMN core.order_lines.sku IS 'What planning calls merchant_sku: merchant_sku, or platform:product_id:sku_id where there is none.';
COMMENT ON COLUMN core.order_lines.order_shipped_at IS 'shipped_at of the order where the line shows that it was sent but carries no time of its own; else NULL.';
COMMENT ON COLUMN core.order_lines.paid_on IS 'paid_on of the order: the day on which the line counts as sold.';
COMMENT ON COLUMN core.order_lines.is_presale IS 'Whether the order is a presale order: of type step, or with a presale_step.';
COMMENT ON COLUMN core.order_lines.skus_differ IS 'Whether all lines of the order are of different SKUs and none is a bundle: each of them is then one order of its SKU.';
COMMENT ON COLUMN core.order_lines.early_refund_units IS 'Units refunded before the line was sent; all of them where it closed before it was sent.';
COMMENT ON COLUMN core.order_lines.early_refund_amount IS 'What was paid back for the line before it was sent, yuan; all of paid_amount where it closed before it was sent.';

CREATE TABLE core.line_parts (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  line_id VARCHAR NOT NULL,
  part_no INTEGER NOT NULL,
  order_id VARCHAR NOT NULL,
  product_id VARCHAR,
  sku_id VARCHAR NOT NULL,
  merchant_sku VARCHAR,
  quantity INTEGER NOT NULL
);
COMMENT ON TABLE core.line_parts IS 'Parts of lines that are bundles; a line without rows here is no bundle. Key: platform, shop, line_id, part_no.';
COMMENT ON COLUMN core.line_parts.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.line_parts.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.line_parts.line_id IS 'The line in core.order_lines.';
COMMENT ON COLUMN core.line_parts.part_no IS 'Position in the platform''s list, from 1.';
COMMENT ON COLUMN core.line_parts.order_id IS 'The order in core.orders.';
COMMENT ON COLUMN core.line_parts.product_id IS 'Product id of the part.';
COMMENT ON COLUMN core.line_parts.sku_id IS 'SKU id of the part; empty text where it has none.';
COMMENT ON COLUMN core.line_parts.merchant_sku IS 'The merchant''s code of the part.';
COMMENT ON COLUMN core.line_parts.quantity IS 'Units of the part in one bundle.';

CREATE TABLE core.refunds (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  refund_id VARCHAR NOT NULL,
  order_id VARCHAR,
  line_id VARCHAR,
  status VARCHAR NOT NULL,
  source_status VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  phase VARCHAR,
  applied_amount DECIMAL(18,2) NOT NULL,
  refunded_amount DECIMAL(18,2) NOT NULL,
  quantity INTEGER,
  goods_returned BOOLEAN,
  created_at TIMESTAMPTZ NOT NULL,
  modified_at TIMESTAMPTZ NOT NULL,
  refunded_at TIMESTAMPTZ,
  synced_at TIMESTAMPTZ NOT NULL,
  vanished_at TIMESTAMPTZ
);
COMMENT ON TABLE core.refunds IS 'Refunds, newest version; a line can have several, and the order may be older than what the platform still lists. Key: platform, shop, refund_id.';
COMMENT ON COLUMN core.refunds.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.refunds.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.refunds.refund_id IS 'The platform''s refund id, as text.';
COMMENT ON COLUMN core.refunds.order_id IS 'The order; it may be missing from core.orders.';
COMMENT ON COLUMN core.refunds.line_id IS 'The line that is refunded.';
COMMENT ON COLUMN core.refunds.status IS 'requested, await_return, return_in_transit, rejected, exchange, closed, refunded, recovered, unknown.';
COMMENT ON COLUMN core.refunds.source_status IS 'The platform''s own status code.';
COMMENT ON COLUMN core.refunds.kind IS 'refund, return_refund, exchange, repair, reship, other.';
COMMENT ON COLUMN core.refunds.phase IS 'onsale (before the order is completed) or aftersale.';
COMMENT ON COLUMN core.refunds.applied_amount IS 'What the buyer asks for, yuan.';
COMMENT ON COLUMN core.refunds.refunded_amount IS 'What was paid back, yuan; 0.00 before the refund succeeds.';
COMMENT ON COLUMN core.refunds.quantity IS 'Units that the refund is about.';
COMMENT ON COLUMN core.refunds.goods_returned IS 'Whether goods come back with it.';
COMMENT ON COLUMN core.refunds.created_at IS 'When the buyer asked.';
COMMENT ON COLUMN core.refunds.modified_at IS 'Last change on the platform: the version of this row.';
COMMENT ON COLUMN core.refunds.refunded_at IS 'modified_at of the version that shows success; NULL before.';
COMMENT ON COLUMN core.refunds.synced_at IS 'When the page that this version came from was fetched.';
COMMENT ON COLUMN core.refunds.vanished_at IS 'When reconciliation found the refund gone from the platform; NULL while it is listed.';

CREATE TABLE core.shipments (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  tracking_number VARCHAR NOT NULL,
  carrier VARCHAR,
  source_status VARCHAR,
  line_ids VARCHAR[] NOT NULL,
  created_at TIMESTAMPTZ,
  modified_at TIMESTAMPTZ NOT NULL,
  synced_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE core.shipments IS 'Logistics orders that have a number, as the platform lists them: one of the sources of core.parcels. Key: platform, shop, order_id, tracking_number.';
COMMENT ON COLUMN core.shipments.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.shipments.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.shipments.order_id IS 'The order that is shipped.';
COMMENT ON COLUMN core.shipments.tracking_number IS 'Number of the parcel.';
COMMENT ON COLUMN core.shipments.carrier IS 'Carrier''s name.';
COMMENT ON COLUMN core.shipments.source_status IS 'The platform''s own status code.';
COMMENT ON COLUMN core.shipments.line_ids IS 'Lines that the parcel holds; empty = the whole order.';
COMMENT ON COLUMN core.shipments.created_at IS 'When the logistics order was made.';
COMMENT ON COLUMN core.shipments.modified_at IS 'Last change on the platform: the version of this row.';
COMMENT ON COLUMN core.shipments.synced_at IS 'When the page that this version came from was fetched.';

CREATE TABLE core.traces (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  tracking_number VARCHAR NOT NULL,
  carrier VARCHAR,
  step_count INTEGER NOT NULL,
  last_trace_at TIMESTAMPTZ,
  last_trace_action VARCHAR,
  signed_at TIMESTAMPTZ,
  synced_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE core.traces IS 'What is known of a parcel''s way, times and actions only: one of the sources of core.parcels. Key: platform, shop, order_id, tracking_number.';
COMMENT ON COLUMN core.traces.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.traces.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.traces.order_id IS 'The order that the trace was asked for.';
COMMENT ON COLUMN core.traces.tracking_number IS 'Number of the parcel.';
COMMENT ON COLUMN core.traces.carrier IS 'Carrier''s name.';
COMMENT ON COLUMN core.traces.step_count IS 'Steps that the platform lists; 0 = the parcel is not tracked.';
COMMENT ON COLUMN core.traces.last_trace_at IS 'Time of the newest step.';
COMMENT ON COLUMN core.traces.last_trace_action IS 'Action of the newest step, in the platform''s words.';
COMMENT ON COLUMN core.traces.signed_at IS 'Time of the step SIGNED.';
COMMENT ON COLUMN core.traces.synced_at IS 'When the trace was fetched: the version of this row.';

CREATE TABLE core.parcels (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  tracking_number VARCHAR NOT NULL,
  carrier VARCHAR,
  shipped_at TIMESTAMPTZ,
  last_trace_at TIMESTAMPTZ,
  last_trace_action VARCHAR,
  signed_at TIMESTAMPTZ,
  stalled_since TIMESTAMPTZ,
  trace_state VARCHAR NOT NULL
);
COMMENT ON TABLE core.parcels IS 'Parcels that have a number, derived from lines, shipments and traces. Key: platform, shop, order_id, tracking_number; one number may serve several orders.';
COMMENT ON COLUMN core.parcels.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.parcels.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.parcels.order_id IS 'The order; a shipment may be known before its order.';
COMMENT ON COLUMN core.parcels.tracking_number IS 'Number of the parcel.';
COMMENT ON COLUMN core.parcels.carrier IS 'Carrier''s name.';
COMMENT ON COLUMN core.parcels.shipped_at IS 'When its first line was shipped, else when the shipment was made.';
COMMENT ON COLUMN core.parcels.last_trace_at IS 'Time of the newest trace step.';
COMMENT ON COLUMN core.parcels.last_trace_action IS 'Action of the newest trace step, in the platform''s words.';
COMMENT ON COLUMN core.parcels.signed_at IS 'When the receiver signed, by the trace step SIGNED.';
COMMENT ON COLUMN core.parcels.stalled_since IS 'last_trace_at once 72 hours have passed since then without SIGNED, else NULL.';
COMMENT ON COLUMN core.parcels.trace_state IS 'not_fetched, fetched, not_tracked (fetched, and the platform lists no step).';

CREATE TABLE core.parcel_lines (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  order_id VARCHAR NOT NULL,
  tracking_number VARCHAR NOT NULL,
  line_id VARCHAR NOT NULL,
  quantity INTEGER
);
COMMENT ON TABLE core.parcel_lines IS 'Which lines a parcel holds. Key: platform, shop, order_id, tracking_number, line_id.';
COMMENT ON COLUMN core.parcel_lines.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.parcel_lines.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.parcel_lines.order_id IS 'The order.';
COMMENT ON COLUMN core.parcel_lines.tracking_number IS 'The parcel in core.parcels.';
COMMENT ON COLUMN core.parcel_lines.line_id IS 'The line in core.order_lines.';
COMMENT ON COLUMN core.parcel_lines.quantity IS 'Units of the line in this parcel; NULL where the line is spread over several parcels and the platform does not say how.';

CREATE TABLE core.skus (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  product_id VARCHAR NOT NULL,
  sku_id VARCHAR NOT NULL,
  merchant_sku VARCHAR,
  title VARCHAR,
  properties VARCHAR,
  category VARCHAR,
  barcode VARCHAR,
  price DECIMAL(18,2),
  status VARCHAR NOT NULL,
  source_status VARCHAR,
  modified_at TIMESTAMPTZ NOT NULL,
  synced_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE core.skus IS 'What the shop offers, newest version. Key: platform, shop, product_id, sku_id. Merchant codes are not unique.';
COMMENT ON COLUMN core.skus.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.skus.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.skus.product_id IS 'The platform''s product id.';
COMMENT ON COLUMN core.skus.sku_id IS 'The platform''s SKU id; empty text where the product has no SKUs.';
COMMENT ON COLUMN core.skus.merchant_sku IS 'The merchant''s own code: of the SKU, else of the product; NULL where neither carries one.';
COMMENT ON COLUMN core.skus.title IS 'Product title.';
COMMENT ON COLUMN core.skus.properties IS 'Properties of the SKU as readable text, else as the platform codes them.';
COMMENT ON COLUMN core.skus.category IS 'The platform''s category id of the product.';
COMMENT ON COLUMN core.skus.barcode IS 'Barcode of the SKU where the platform gives one.';
COMMENT ON COLUMN core.skus.price IS 'List price, yuan.';
COMMENT ON COLUMN core.skus.status IS 'on_sale, off_sale, deleted (by code, or gone from its product), unknown.';
COMMENT ON COLUMN core.skus.source_status IS 'The platform''s codes: of the product, and of the SKU after a slash.';
COMMENT ON COLUMN core.skus.modified_at IS 'Last change on the platform, of the SKU, else of the product.';
COMMENT ON COLUMN core.skus.synced_at IS 'When the page that this version came from was fetched.';

CREATE TABLE core.stock_snapshots (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  product_id VARCHAR NOT NULL,
  sku_id VARCHAR NOT NULL,
  merchant_sku VARCHAR,
  on_hand INTEGER NOT NULL,
  withheld INTEGER NOT NULL,
  price DECIMAL(18,2),
  snapshot_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE core.stock_snapshots IS 'Stock as the platform showed it, append-only. Key: platform, shop, product_id, sku_id, snapshot_at.';
COMMENT ON COLUMN core.stock_snapshots.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.stock_snapshots.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.stock_snapshots.product_id IS 'The platform''s product id.';
COMMENT ON COLUMN core.stock_snapshots.sku_id IS 'The platform''s SKU id; empty text where the product has no SKUs.';
COMMENT ON COLUMN core.stock_snapshots.merchant_sku IS 'The merchant''s own code: of the SKU, else of the product.';
COMMENT ON COLUMN core.stock_snapshots.on_hand IS 'Units that the platform shows.';
COMMENT ON COLUMN core.stock_snapshots.withheld IS 'Units that unpaid orders hold; 0 where the platform names none.';
COMMENT ON COLUMN core.stock_snapshots.price IS 'List price then, yuan.';
COMMENT ON COLUMN core.stock_snapshots.snapshot_at IS 'When the page was fetched.';

CREATE TABLE core.stock (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  product_id VARCHAR NOT NULL,
  sku_id VARCHAR NOT NULL,
  merchant_sku VARCHAR,
  on_hand INTEGER NOT NULL,
  withheld INTEGER NOT NULL,
  price DECIMAL(18,2),
  snapshot_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE core.stock IS 'Stock now: the newest snapshot of each product in core.stock_snapshots. Key: platform, shop, product_id, sku_id.';
COMMENT ON COLUMN core.stock.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN core.stock.shop IS 'Slug of the shop.';
COMMENT ON COLUMN core.stock.product_id IS 'The platform''s product id.';
COMMENT ON COLUMN core.stock.sku_id IS 'The platform''s SKU id; empty text where the product has no SKUs.';
COMMENT ON COLUMN core.stock.merchant_sku IS 'The merchant''s own code: of the SKU, else of the product.';
COMMENT ON COLUMN core.stock.on_hand IS 'Units that the platform shows.';
COMMENT ON COLUMN core.stock.withheld IS 'Units that unpaid orders hold; 0 where the platform names none.';
COMMENT ON COLUMN core.stock.price IS 'List price, yuan.';
COMMENT ON COLUMN core.stock.snapshot_at IS 'When the page was fetched.';
