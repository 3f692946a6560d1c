-- Lists of refunds and single refunds -> staged.refunds. Meanings: decision 5.
CREATE OR REPLACE TEMP MACRO refunds_of(body) AS TRY(from_json(body,
  '{"refunds":{"refund":[{
    "refund_id":"VARCHAR","tid":"VARCHAR","oid":"VARCHAR","status":"VARCHAR","refund_phase":"VARCHAR",
    "dispute_type":"VARCHAR","has_good_return":"VARCHAR","refund_fee":"VARCHAR","num":"VARCHAR",
    "created":"VARCHAR","modified":"VARCHAR","_misfit":["VARCHAR"]}]}}')).refunds.refund;

CREATE OR REPLACE TEMP TABLE page_rows AS
SELECT page_id, platform, shop, api, fetched_at, row_count, refunds_of(body) AS rows
FROM pages WHERE api <> 'taobao.refund.get'
UNION ALL
SELECT page_id, platform, shop, api, fetched_at, row_count,
  refunds_of('{"refunds":{"refund":[' || coalesce(TRY(json_extract(body, '$.refund')::VARCHAR), '') || ']}}') AS rows
FROM pages WHERE api = 'taobao.refund.get';

INSERT INTO staged.rejected
SELECT page_id, NULL, coalesce(len(rows), 0) || ' of ' || row_count || ' refunds readable'
FROM page_rows WHERE row_count > coalesce(len(rows), 0);

CREATE OR REPLACE TEMP TABLE refund AS
SELECT nextval('staged.row_no') AS row_no, *, nullif(concat_ws(', ',
    CASE WHEN text_of(r.refund_id) IS NULL THEN 'no refund_id' END,
    CASE WHEN text_of(r.status) IS NULL THEN 'no status' END,
    CASE WHEN instant(r.created) IS NULL THEN 'created is no date' END,
    CASE WHEN instant(r.modified) IS NULL THEN 'modified is no date' END,
    CASE WHEN money(r.refund_fee) IS NULL OR bad_amount(r.refund_fee, amount(r.refund_fee)) THEN 'refund_fee is no amount' END,
    misfit_reason(r._misfit)), '') AS reason
FROM (SELECT page_id, platform, shop, api, fetched_at, unnest(rows) AS r FROM page_rows);
DROP TABLE page_rows;

INSERT INTO staged.rejected SELECT page_id, text_of(r.refund_id), reason FROM refund WHERE reason IS NOT NULL;

INSERT INTO staged.refunds BY NAME
SELECT row_no, page_id, platform, shop, r.refund_id AS refund_id, nullif(text_of(r.tid), '0') AS order_id,
  nullif(text_of(r.oid), '0') AS line_id, refund_status_of(r.status) AS status, r.status AS source_status,
  CASE text_of(r.dispute_type)
    WHEN 'REFUND' THEN 'refund'
    WHEN 'REFUND_AND_RETURN' THEN 'return_refund'
    WHEN 'TMALL_EXCHANGE' THEN 'exchange'
    WHEN 'TAOBAO_EXCHANGE' THEN 'exchange'
    WHEN 'REPAIR' THEN 'repair'
    WHEN 'RESHIPPING' THEN 'reship'
    ELSE CASE WHEN text_of(r.dispute_type) IS NOT NULL THEN 'other'
      WHEN flag(r.has_good_return) THEN 'return_refund' ELSE 'refund' END END AS kind,
  text_of(r.refund_phase) AS phase, money(r.refund_fee) AS applied_amount,
  CASE WHEN r.status = 'SUCCESS' THEN money(r.refund_fee) ELSE 0 END AS refunded_amount,
  whole(r.num) AS quantity, flag(r.has_good_return) AS goods_returned,
  instant(r.created) AS created_at, instant(r.modified) AS modified_at,
  CASE WHEN r.status = 'SUCCESS' THEN instant(r.modified) END AS refunded_at, fetched_at AS synced_at
FROM refund WHERE reason IS NULL;

INSERT INTO staged.unknown_codes
SELECT api, 'status', r.status FROM refund WHERE reason IS NULL AND refund_status_of(r.status) = 'unknown'
UNION ALL SELECT api, 'dispute_type', r.dispute_type FROM refund
WHERE reason IS NULL AND text_of(r.dispute_type) NOT IN
  ('REFUND', 'REFUND_AND_RETURN', 'TMALL_EXCHANGE', 'TAOBAO_EXCHANGE', 'REPAIR', 'RESHIPPING', 'OTHERS')
UNION ALL SELECT api, 'refund_phase', r.refund_phase FROM refund
WHERE reason IS NULL AND text_of(r.refund_phase) NOT IN ('onsale', 'aftersale');

DROP TABLE refund;
