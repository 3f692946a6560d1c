-- How the data came here and what needs a person. What processes share second by second is in ops.sqlite, not here.
CREATE SCHEMA IF NOT EXISTS ops;

CREATE TABLE ops.meta (
  key VARCHAR NOT NULL,
  value VARCHAR NOT NULL
);
COMMENT ON TABLE ops.meta IS 'Facts about this file. Key: key.';
COMMENT ON COLUMN ops.meta.key IS 'schema_version, raw_folder, orders_kept_from (first day whose orders no purge has taken), mapping:<shop>.';
COMMENT ON COLUMN ops.meta.value IS 'The fact, as text.';

CREATE TABLE ops.sync_windows (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  api VARCHAR NOT NULL,
  window_start TIMESTAMPTZ NOT NULL,
  window_end TIMESTAMPTZ NOT NULL,
  fetched_at TIMESTAMPTZ NOT NULL,
  run_id VARCHAR,
  calls INTEGER NOT NULL,
  pages INTEGER NOT NULL,
  rows BIGINT NOT NULL,
  channel VARCHAR NOT NULL,
  shortfall BIGINT NOT NULL
);
COMMENT ON TABLE ops.sync_windows IS 'The ledger: closed windows whose rows are in core, written in the same transaction. Key: shop, api, window_start, window_end, fetched_at.';
COMMENT ON COLUMN ops.sync_windows.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN ops.sync_windows.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.sync_windows.api IS 'The platform''s name of the list that was read.';
COMMENT ON COLUMN ops.sync_windows.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN ops.sync_windows.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN ops.sync_windows.fetched_at IS 'When the window was fetched completely.';
COMMENT ON COLUMN ops.sync_windows.run_id IS 'The run that fetched it.';
COMMENT ON COLUMN ops.sync_windows.calls IS 'Calls that the window cost.';
COMMENT ON COLUMN ops.sync_windows.pages IS 'Pages that were kept.';
COMMENT ON COLUMN ops.sync_windows.rows IS 'Rows on these pages, repeats included.';
COMMENT ON COLUMN ops.sync_windows.channel IS 'incremental, full, message or refetch.';
COMMENT ON COLUMN ops.sync_windows.shortfall IS 'Rows that the platform counted and never showed, however often it was asked.';

CREATE TABLE ops.api_calls (
  call_id BIGINT,
  "at" TIMESTAMPTZ NOT NULL,
  shop VARCHAR NOT NULL,
  api VARCHAR NOT NULL,
  run_id VARCHAR,
  latency_ms DOUBLE NOT NULL,
  outcome VARCHAR NOT NULL,
  code VARCHAR,
  sub_code VARCHAR
);
COMMENT ON TABLE ops.api_calls IS 'Every call to a platform, copied from ops.sqlite.';
COMMENT ON COLUMN ops.api_calls.call_id IS 'Number of the call in ops.sqlite.';
COMMENT ON COLUMN ops.api_calls."at" IS 'When the call began.';
COMMENT ON COLUMN ops.api_calls.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.api_calls.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN ops.api_calls.run_id IS 'The run that called.';
COMMENT ON COLUMN ops.api_calls.latency_ms IS 'From request to the whole answer, milliseconds.';
COMMENT ON COLUMN ops.api_calls.outcome IS 'ok, or the kind of error.';
COMMENT ON COLUMN ops.api_calls.code IS 'The platform''s error code.';
COMMENT ON COLUMN ops.api_calls.sub_code IS 'The platform''s second error code.';

CREATE TABLE ops.reconciliations (
  shop VARCHAR NOT NULL,
  api VARCHAR NOT NULL,
  axis VARCHAR NOT NULL,
  window_start TIMESTAMPTZ NOT NULL,
  window_end TIMESTAMPTZ NOT NULL,
  checked_at TIMESTAMPTZ NOT NULL,
  platform_count BIGINT NOT NULL,
  local_count BIGINT NOT NULL,
  missing BIGINT NOT NULL,
  extra BIGINT NOT NULL,
  stale BIGINT NOT NULL,
  refetched BIGINT NOT NULL,
  healed BIGINT NOT NULL,
  detail VARCHAR,
  method VARCHAR NOT NULL,
  excused BIGINT NOT NULL
);
COMMENT ON TABLE ops.reconciliations IS 'Comparisons of what is here with what the platform counts. Key: shop, api, axis, window_start, window_end, checked_at.';
COMMENT ON COLUMN ops.reconciliations.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.reconciliations.api IS 'The platform''s name of the list that was compared.';
COMMENT ON COLUMN ops.reconciliations.axis IS 'created or modified: the time that the window cuts.';
COMMENT ON COLUMN ops.reconciliations.window_start IS 'Start of the window, inclusive.';
COMMENT ON COLUMN ops.reconciliations.window_end IS 'End of the window, inclusive.';
COMMENT ON COLUMN ops.reconciliations.checked_at IS 'When it was compared.';
COMMENT ON COLUMN ops.reconciliations.platform_count IS 'Rows that the platform counts.';
COMMENT ON COLUMN ops.reconciliations.local_count IS 'Rows here.';
COMMENT ON COLUMN ops.reconciliations.missing IS 'Rows that the platform lists and that are not here.';
COMMENT ON COLUMN ops.reconciliations.extra IS 'Rows here that the platform does not list.';
COMMENT ON COLUMN ops.reconciliations.stale IS 'Rows here that are older than the platform''s.';
COMMENT ON COLUMN ops.reconciliations.refetched IS 'Rows that were read again.';
COMMENT ON COLUMN ops.reconciliations.healed IS 'Rows that are right since.';
COMMENT ON COLUMN ops.reconciliations.detail IS 'What differed: ids by kind, why they are thought to have been missed, how they came back.';
COMMENT ON COLUMN ops.reconciliations.method IS 'ids: every id and version was compared; count: the counts, and ids only where these differed.';
COMMENT ON COLUMN ops.reconciliations.excused IS 'Rows that changed too shortly before the comparison to be due here.';

CREATE TABLE ops.incidents (
  id VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  opened_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ,
  detail VARCHAR
);
COMMENT ON TABLE ops.incidents IS 'What needs, or needed, a person. Key: id.';
COMMENT ON COLUMN ops.incidents.id IS 'Stable id of the incident.';
COMMENT ON COLUMN ops.incidents.kind IS 'stalled_parcel, ship_late, short_stock, oversold, sync_gap, auth_expired, breaker_open, unknown_code and others.';
COMMENT ON COLUMN ops.incidents.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.incidents.subject IS 'What it is about: an order, a parcel, a SKU, an api.';
COMMENT ON COLUMN ops.incidents.opened_at IS 'When it was first seen.';
COMMENT ON COLUMN ops.incidents.closed_at IS 'When it was over; NULL while open.';
COMMENT ON COLUMN ops.incidents.detail IS 'One line of text.';

CREATE TABLE ops.quarantine (
  platform VARCHAR NOT NULL,
  shop VARCHAR NOT NULL,
  api VARCHAR NOT NULL,
  window_start TIMESTAMPTZ NOT NULL,
  window_end TIMESTAMPTZ NOT NULL,
  row_id VARCHAR,
  reason VARCHAR NOT NULL,
  fetched_at TIMESTAMPTZ NOT NULL,
  body_hash VARCHAR NOT NULL
);
COMMENT ON TABLE ops.quarantine IS 'Rows of raw pages that could not be mapped; the rest of their page landed. Never their content.';
COMMENT ON COLUMN ops.quarantine.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN ops.quarantine.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.quarantine.api IS 'The platform''s name of the list.';
COMMENT ON COLUMN ops.quarantine.window_start IS 'Start of the window.';
COMMENT ON COLUMN ops.quarantine.window_end IS 'End of the window.';
COMMENT ON COLUMN ops.quarantine.row_id IS 'Id of the row, where it has one.';
COMMENT ON COLUMN ops.quarantine.reason IS 'What is wrong with it.';
COMMENT ON COLUMN ops.quarantine.fetched_at IS 'When the page was fetched.';
COMMENT ON COLUMN ops.quarantine.body_hash IS 'SHA-256 of the page''s body, to find it in raw.';

-- A row with an id is over when a version that was fetched later is in a table; one without, when its stretch was read again whole.
CREATE VIEW ops.quarantine_open AS
WITH stored AS (
  SELECT shop, order_id AS id, synced_at FROM core.orders
  UNION ALL SELECT shop, refund_id, synced_at FROM core.refunds
  UNION ALL SELECT shop, product_id, synced_at FROM core.skus
)
SELECT q.* FROM ops.quarantine AS q
WHERE NOT EXISTS (FROM stored AS s WHERE s.shop = q.shop AND s.id = q.row_id AND s.synced_at > q.fetched_at)
  AND NOT (q.row_id IS NULL AND EXISTS (
    FROM ops.sync_windows AS w
    ANTI JOIN ops.quarantine AS other USING (shop, api, window_start, window_end, fetched_at)
    WHERE w.shop = q.shop AND w.api = q.api AND w.fetched_at > q.fetched_at
      AND w.window_start <= q.window_end AND w.window_end >= q.window_start));
COMMENT ON VIEW ops.quarantine_open IS 'Rows of ops.quarantine that are still in no table in this or a newer version: they need an upgrade or a person.';
COMMENT ON COLUMN ops.quarantine_open.platform IS 'taobao, tmall or douyin.';
COMMENT ON COLUMN ops.quarantine_open.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.quarantine_open.api IS 'The platform''s name of the list.';
COMMENT ON COLUMN ops.quarantine_open.window_start IS 'Start of the window.';
COMMENT ON COLUMN ops.quarantine_open.window_end IS 'End of the window.';
COMMENT ON COLUMN ops.quarantine_open.row_id IS 'Id of the row, where it has one.';
COMMENT ON COLUMN ops.quarantine_open.reason IS 'What is wrong with it.';
COMMENT ON COLUMN ops.quarantine_open.fetched_at IS 'When the page was fetched.';
COMMENT ON COLUMN ops.quarantine_open.body_hash IS 'SHA-256 of the page''s body, to find it in raw.';

CREATE TABLE ops.schema_drift (
  shop VARCHAR NOT NULL,
  api VARCHAR NOT NULL,
  field VARCHAR NOT NULL,
  change VARCHAR NOT NULL,
  first_seen TIMESTAMPTZ NOT NULL,
  last_seen TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE ops.schema_drift IS 'Fields that a platform did not use to send, or sends as another type; names and types only. Key: shop, api, field, change.';
COMMENT ON COLUMN ops.schema_drift.shop IS 'Slug of the shop.';
COMMENT ON COLUMN ops.schema_drift.api IS 'The platform''s name of what was called.';
COMMENT ON COLUMN ops.schema_drift.field IS 'Path of the field in the answer; ? stands for a name that may itself be data.';
COMMENT ON COLUMN ops.schema_drift.change IS 'new field and its JSON type, or the type that a known field has now.';
COMMENT ON COLUMN ops.schema_drift.first_seen IS 'When an answer first showed it.';
COMMENT ON COLUMN ops.schema_drift.last_seen IS 'When a run last met it.';
