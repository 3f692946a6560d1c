-- Views over the Parquet files of raw/. A name in braces stands for those of one table; every table has one empty file, so that a view
-- can be read before the first page is there.
CREATE SCHEMA IF NOT EXISTS raw;

CREATE OR REPLACE VIEW raw.trade_pages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {trade_pages};
COMMENT ON VIEW raw.trade_pages IS 'Orders as received.';
COMMENT ON COLUMN raw.trade_pages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.trade_pages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.trade_pages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.trade_pages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.trade_pages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.trade_pages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.trade_pages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.trade_pages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.trade_pages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.trade_pages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.trade_pages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.trade_pages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.trade_pages.body IS 'The answer as received, less what may never be stored: JSON.';

CREATE OR REPLACE VIEW raw.refund_pages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {refund_pages};
COMMENT ON VIEW raw.refund_pages IS 'Refunds as received.';
COMMENT ON COLUMN raw.refund_pages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.refund_pages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.refund_pages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.refund_pages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.refund_pages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.refund_pages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.refund_pages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.refund_pages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.refund_pages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.refund_pages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.refund_pages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.refund_pages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.refund_pages.body IS 'The answer as received, less what may never be stored: JSON.';

CREATE OR REPLACE VIEW raw.item_pages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {item_pages};
COMMENT ON VIEW raw.item_pages IS 'Products, SKUs and their stock as received.';
COMMENT ON COLUMN raw.item_pages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.item_pages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.item_pages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.item_pages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.item_pages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.item_pages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.item_pages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.item_pages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.item_pages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.item_pages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.item_pages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.item_pages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.item_pages.body IS 'The answer as received, less what may never be stored: JSON.';

CREATE OR REPLACE VIEW raw.shipment_pages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {shipment_pages};
COMMENT ON VIEW raw.shipment_pages IS 'Logistics orders as received.';
COMMENT ON COLUMN raw.shipment_pages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.shipment_pages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.shipment_pages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.shipment_pages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.shipment_pages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.shipment_pages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.shipment_pages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.shipment_pages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.shipment_pages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.shipment_pages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.shipment_pages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.shipment_pages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.shipment_pages.body IS 'The answer as received, less what may never be stored: JSON.';

CREATE OR REPLACE VIEW raw.trace_pages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {trace_pages};
COMMENT ON VIEW raw.trace_pages IS 'Ways of parcels as received, times and actions only.';
COMMENT ON COLUMN raw.trace_pages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.trace_pages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.trace_pages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.trace_pages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.trace_pages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.trace_pages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.trace_pages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.trace_pages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.trace_pages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.trace_pages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.trace_pages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.trace_pages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.trace_pages.body IS 'The answer as received, less what may never be stored: JSON.';

CREATE OR REPLACE VIEW raw.messages AS
SELECT platform, shop, api, channel, window_start, window_end, page_no, fetched_at, request_id, run_id, row_count, calls,
  body::JSON AS body
FROM {messages};
COMMENT ON VIEW raw.messages IS 'Change messages as received: ids, status and time.';
COMMENT ON COLUMN raw.messages.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN raw.messages.shop IS 'Slug of the shop.';
COMMENT ON COLUMN raw.messages.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN raw.messages.channel IS 'incremental, full, message, refetch or tail.';
COMMENT ON COLUMN raw.messages.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN raw.messages.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN raw.messages.page_no IS 'Number of the page.';
COMMENT ON COLUMN raw.messages.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN raw.messages.request_id IS 'The platform''s id of the call.';
COMMENT ON COLUMN raw.messages.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN raw.messages.row_count IS 'Rows on the page.';
COMMENT ON COLUMN raw.messages.calls IS 'Calls that the whole window cost.';
COMMENT ON COLUMN raw.messages.body IS 'The answer as received, less what may never be stored: JSON.';
