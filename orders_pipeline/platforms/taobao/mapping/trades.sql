-- Lists of trades and single trades -> staged.orders, staged.order_lines, staged.line_parts.
-- Money: decisions 1 to 3; lines: decisions 6 and 7; city: decision 8.
CREATE OR REPLACE TEMP MACRO trades_of(body) AS TRY(from_json(body, '{"trades":{"trade":[{
  "tid":"VARCHAR","type":"VARCHAR","status":"VARCHAR","created":"VARCHAR","pay_time":"VARCHAR","consign_time":"VARCHAR",
  "end_time":"VARCHAR","modified":"VARCHAR","total_fee":"VARCHAR","post_fee":"VARCHAR","discount_fee":"VARCHAR",
  "payment":"VARCHAR","received_payment":"VARCHAR","step_trade_status":"VARCHAR","step_paid_fee":"VARCHAR",
  "receiver_state":"VARCHAR","receiver_city":"VARCHAR","receiver_district":"VARCHAR","_misfit":["VARCHAR"],
  "orders":{"order":[{
    "oid":"VARCHAR","status":"VARCHAR","refund_status":"VARCHAR","num_iid":"VARCHAR","sku_id":"VARCHAR",
    "outer_iid":"VARCHAR","outer_sku_id":"VARCHAR","title":"VARCHAR","sku_properties_name":"VARCHAR","num":"VARCHAR",
    "price":"VARCHAR","total_fee":"VARCHAR","discount_fee":"VARCHAR","adjust_fee":"VARCHAR",
    "part_mjz_discount":"VARCHAR","divide_order_fee":"VARCHAR","is_free_gift":"VARCHAR","logistics_company":"VARCHAR",
    "invoice_no":"VARCHAR","consign_time":"VARCHAR",
    "combine_item_info":{"combine_sub_item_do":[{
      "item_id":"VARCHAR","sku_id":"VARCHAR","quantity":"VARCHAR","outer_iid":"VARCHAR","outer_sku_id":"VARCHAR"}]}
  }]}}]}}')).trades.trade;

-- Every value is read once; why a row is bad is worked out for bad rows only, as nearly all are good.
CREATE OR REPLACE TEMP TABLE trade AS
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, api, fetched_at, tid, type, status,
  created, created_wall::DATE AS created_on, paid, paid_wall::DATE AS paid_on, shipped, ended, modified,
  cents(goods) AS goods, cents(freight) AS freight, cents(discount) AS discount, cents(payable) AS payable,
  cents(received) AS received, step, cents(step_paid) AS step_paid, province, city, lines,
  CASE WHEN tid IS NULL OR status IS NULL OR created IS NULL OR modified IS NULL OR coalesce(len(lines), 0) = 0
    OR bad_date(t.pay_time, paid) OR bad_date(t.consign_time, shipped) OR bad_date(t.end_time, ended)
    OR payable IS NULL OR bad_amount(t.payment, payable) OR goods IS NULL OR bad_amount(t.total_fee, goods)
    OR bad_amount(t.post_fee, freight) OR bad_amount(t.discount_fee, discount)
    OR bad_amount(t.received_payment, received) OR bad_amount(t.step_paid_fee, step_paid) OR len(t._misfit) > 0
  THEN nullif(concat_ws(', ',
    CASE WHEN tid IS NULL THEN 'no tid' END,
    CASE WHEN status IS NULL THEN 'no status' END,
    CASE WHEN created IS NULL THEN 'created is no date' END,
    CASE WHEN modified IS NULL THEN 'modified is no date' END,
    CASE WHEN bad_date(t.pay_time, paid) THEN 'pay_time is no date' END,
    CASE WHEN bad_date(t.consign_time, shipped) THEN 'consign_time is no date' END,
    CASE WHEN bad_date(t.end_time, ended) THEN 'end_time is no date' END,
    CASE WHEN payable IS NULL OR bad_amount(t.payment, payable) THEN 'payment is no amount' END,
    CASE WHEN goods IS NULL OR bad_amount(t.total_fee, goods) THEN 'total_fee is no amount' END,
    CASE WHEN bad_amount(t.post_fee, freight) THEN 'post_fee is no amount' END,
    CASE WHEN bad_amount(t.discount_fee, discount) THEN 'discount_fee is no amount' END,
    CASE WHEN bad_amount(t.received_payment, received) THEN 'received_payment is no amount' END,
    CASE WHEN bad_amount(t.step_paid_fee, step_paid) THEN 'step_paid_fee is no amount' END,
    CASE WHEN coalesce(len(lines), 0) = 0 THEN 'orders is no list of lines' END,
    misfit_reason(t._misfit)), '') END AS reason
FROM (
  SELECT *, instant_at(created_wall) AS created, instant_at(paid_wall) AS paid FROM (
    SELECT page_id, platform, shop, api, fetched_at, t, code_of(t.tid) AS tid, code_of(t.type) AS type,
      code_of(t.status) AS status, wall(t.created) AS created_wall, wall(t.pay_time) AS paid_wall,
      instant(t.consign_time) AS shipped, instant(t.end_time) AS ended, instant(t.modified) AS modified,
      amount(t.total_fee) AS goods, amount(t.post_fee) AS freight, amount(t.discount_fee) AS discount,
      amount(t.payment) AS payable, amount(t.received_payment) AS received, code_of(t.step_trade_status) AS step,
      amount(t.step_paid_fee) AS step_paid, text_of(t.receiver_state) AS province,
      coalesce(text_of(t.receiver_city), text_of(t.receiver_district)) AS city, t.orders."order" AS lines
    FROM (
      SELECT page_id, platform, shop, api, fetched_at, unnest(trades_of(body)) AS t
      FROM pages WHERE api <> 'taobao.trade.fullinfo.get'
      UNION ALL
      SELECT page_id, platform, shop, api, fetched_at, unnest(trades_of(
        '{"trades":{"trade":[' || coalesce(TRY(json_extract(body, '$.trade')::VARCHAR), '') || ']}}')) AS t
      FROM pages WHERE api = 'taobao.trade.fullinfo.get')));

INSERT INTO staged.rejected
SELECT page_id, NULL, readable || ' of ' || row_count || ' trades readable'
FROM (
  SELECT page_id, row_count, count(row_no) AS readable
  FROM (SELECT page_id, row_count FROM pages) LEFT JOIN trade USING (page_id) GROUP BY ALL)
WHERE row_count > readable;

-- lines are taken apart twice, once to judge and once to write them: cheaper than to keep what the first pass has read
CREATE OR REPLACE TEMP TABLE line_sum AS
SELECT row_no, count(*) AS line_count, coalesce(sum(cents(discount)), 0)::DECIMAL(18, 2) AS line_discount,
  coalesce(sum(cents(adjust)), 0)::DECIMAL(18, 2) AS adjust,
  bool_or(len(l.combine_item_info.combine_sub_item_do) > 0) AS bundled,
  coalesce(max(CASE WHEN oid IS NULL OR status IS NULL OR whole(l.num) IS NULL
      OR price IS NULL OR bad_amount(l.price, price) OR coalesce(divided, total) IS NULL
      OR bad_amount(l.divide_order_fee, divided) OR bad_amount(l.total_fee, total)
      OR bad_amount(l.discount_fee, discount) OR bad_amount(l.adjust_fee, adjust)
      OR bad_amount(l.part_mjz_discount, share) OR bad_date(l.consign_time, instant(l.consign_time))
    THEN concat_ws(', ',
      CASE WHEN oid IS NULL THEN 'line without oid' END,
      CASE WHEN status IS NULL THEN 'line without status' END,
      CASE WHEN whole(l.num) IS NULL THEN 'num of a line is no number' END,
      CASE WHEN price IS NULL OR bad_amount(l.price, price) THEN 'price of a line is no amount' END,
      CASE WHEN coalesce(divided, total) IS NULL OR bad_amount(l.divide_order_fee, divided)
        OR bad_amount(l.total_fee, total) THEN 'divide_order_fee or total_fee of a line is no amount' END,
      CASE WHEN bad_amount(l.discount_fee, discount) OR bad_amount(l.adjust_fee, adjust)
        OR bad_amount(l.part_mjz_discount, share)
        THEN 'discount_fee, adjust_fee or part_mjz_discount of a line is no amount' END,
      CASE WHEN bad_date(l.consign_time, instant(l.consign_time)) THEN 'consign_time of a line is no date' END) END),
    CASE WHEN count(DISTINCT oid) < count(*) THEN 'the same oid twice' END) AS line_reason
FROM (
  SELECT row_no, l, code_of(l.oid) AS oid, code_of(l.status) AS status, amount(l.price) AS price,
    amount(l.total_fee) AS total, amount(l.discount_fee) AS discount, amount(l.adjust_fee) AS adjust,
    amount(l.part_mjz_discount) AS share, amount(l.divide_order_fee) AS divided
  FROM (SELECT row_no, unnest(lines) AS l FROM trade WHERE reason IS NULL))
GROUP BY row_no;

CREATE OR REPLACE TEMP TABLE bad AS
SELECT row_no, page_id, tid, coalesce(reason, line_reason) AS reason
FROM trade LEFT JOIN line_sum USING (row_no) WHERE coalesce(reason, line_reason) IS NOT NULL;
INSERT INTO staged.rejected SELECT page_id, tid, reason FROM bad;
DELETE FROM trade WHERE row_no IN (SELECT row_no FROM bad);

INSERT INTO staged.orders BY NAME
SELECT row_no, page_id, platform, shop, tid AS order_id, type AS order_type,
  order_status(status, step, paid IS NOT NULL) AS status, status AS source_status, created AS created_at, created_on,
  paid AS paid_at, paid_on, shipped AS shipped_at, ended AS ended_at, modified AS modified_at, goods AS goods_amount,
  coalesce(freight, 0) AS freight_amount, coalesce(discount, 0) + line_discount AS discount_amount,
  adjust AS adjust_amount, payable AS payable_amount, CASE WHEN paid IS NULL THEN 0 ELSE payable END AS paid_amount,
  coalesce(received, 0) AS received_amount, step AS presale_step,
  CASE WHEN step = 'FRONT_PAID_FINAL_NOPAID' THEN step_paid END AS deposit_amount,
  CASE WHEN step = 'FRONT_PAID_FINAL_NOPAID' AND step_paid IS NOT NULL THEN modified END AS deposit_seen_at,
  province, city, line_count, fetched_at AS synced_at
FROM trade JOIN line_sum USING (row_no);

INSERT INTO staged.order_lines BY NAME
SELECT row_no, page_id, platform, shop, code_of(l.oid) AS line_id, tid AS order_id, code_of(l.num_iid) AS product_id,
  coalesce(code_of(l.sku_id), '') AS sku_id, coalesce(text_of(l.outer_sku_id), text_of(l.outer_iid)) AS merchant_sku,
  l.title AS title, text_of(l.sku_properties_name) AS sku_properties, whole(l.num) AS quantity,
  money(l.price) AS unit_price, coalesce(money(l.discount_fee), 0) AS discount_amount,
  coalesce(money(l.part_mjz_discount), 0) AS shop_discount_share,
  coalesce(money(l.divide_order_fee), money(l.total_fee) - shop_discount_share) AS paid_amount,
  order_status(l.status, step, paid IS NOT NULL) AS status, l.status AS source_status,
  CASE WHEN coalesce(code_of(l.refund_status), 'NO_REFUND') = 'NO_REFUND' THEN 'none'
    ELSE refund_status_of(l.refund_status) END AS refund_status,
  coalesce(flag(l.is_free_gift), false) AS is_gift, text_of(l.logistics_company) AS carrier,
  text_of(l.invoice_no) AS tracking_number, instant(l.consign_time) AS shipped_at,
  coalesce(merchant_sku, concat_ws(':', platform, coalesce(product_id, ''), sku_id)) AS sku
FROM (SELECT row_no, page_id, platform, shop, tid, step, paid, unnest(lines) AS l FROM trade);

-- quantity is that of one bundle [I]
INSERT INTO staged.line_parts BY NAME
SELECT row_no, page_id, platform, shop, line_id, part_no, tid AS order_id, code_of(p.item_id) AS product_id,
  coalesce(code_of(p.sku_id), '') AS sku_id, coalesce(text_of(p.outer_sku_id), text_of(p.outer_iid)) AS merchant_sku,
  coalesce(whole(p.quantity), 1) AS quantity
FROM (
  SELECT row_no, page_id, platform, shop, tid, code_of(l.oid) AS line_id,
    unnest(l.combine_item_info.combine_sub_item_do) AS p,
    generate_subscripts(l.combine_item_info.combine_sub_item_do, 1) AS part_no
  FROM (SELECT * EXCLUDE (lines), unnest(lines) AS l FROM trade SEMI JOIN (FROM line_sum WHERE bundled) USING (row_no)));

INSERT INTO staged.unknown_codes
SELECT api, 'status', status FROM trade WHERE order_status(status, '', true) = 'unknown'
UNION ALL SELECT api, 'step_trade_status', step FROM trade WHERE step NOT IN
  ('FRONT_NOPAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_PAID', 'FRONT_PAID_FRONT_FORFEITED')
UNION ALL SELECT api, 'orders.status', source_status
FROM (FROM staged.order_lines WHERE status = 'unknown') JOIN (SELECT row_no, api FROM trade) USING (row_no)
UNION ALL SELECT api, 'orders.refund_status', l.refund_status
FROM (
  SELECT api, unnest(lines) AS l
  FROM trade SEMI JOIN (FROM staged.order_lines WHERE refund_status = 'unknown') USING (row_no))
WHERE l.refund_status <> 'NO_REFUND' AND refund_status_of(l.refund_status) = 'unknown';

DROP TABLE trade; DROP TABLE line_sum; DROP TABLE bad;
