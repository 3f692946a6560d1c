-- How TOP writes values. A blank date ('', zeros) and a blank number are NULL; times are GMT+8 whatever the host's zone.
CREATE TEMP MACRO text_of(t) AS nullif(trim(t), '');
-- ids and codes: the allow-list lets no blanks into them, and to look for some costs four times as much
CREATE TEMP MACRO code_of(t) AS nullif(t, '');
-- the wire's clock has never known summer time, so no calendar is asked: that would cost eleven times as much
CREATE TEMP MACRO wall(t) AS try_cast(t AS TIMESTAMP);
CREATE TEMP MACRO instant_at(wall) AS make_timestamptz(epoch_us(wall) - 28_800_000_000);
CREATE TEMP MACRO instant(t) AS instant_at(wall(t));
CREATE TEMP MACRO blank_date(t) AS t IS NULL OR trim(t) = '' OR t LIKE '0000-00-00%';
CREATE TEMP MACRO bad_date(t, read) AS read IS NULL AND NOT blank_date(t);
-- a cast to cents rounds silently, so an amount is read with what it has below a cent, and that must be nothing
CREATE TEMP MACRO amount(t) AS try_cast(t AS DECIMAL(18, 6));
CREATE TEMP MACRO cents(amount) AS amount::DECIMAL(18, 2);
CREATE TEMP MACRO money(t) AS cents(amount(t));
CREATE TEMP MACRO bad_amount(t, read) AS coalesce(cents(read)::DECIMAL(18, 6) <> read, t <> '');
CREATE TEMP MACRO whole(t) AS try_cast(t AS INTEGER);
CREATE TEMP MACRO flag(t) AS t IN ('true', '1');
-- names fields only, never values; fields that decide nothing may be dropped without harm
CREATE TEMP MACRO misfit_reason(m) AS CASE WHEN len(m) > 0 THEN nullif(array_to_string(
  list_filter(m, lambda x: NOT regexp_matches(x, '(receiver_state|receiver_city|receiver_district|title|sku_properties_name|properties|properties_name|barcode): ')),
  ', '), '') END;

-- Meanings of statuses: section 8 of the Douyin spec's table, decisions 3 to 5. Order lines use the codes of trades.
CREATE TEMP MACRO order_status(code, step, paid) AS CASE
  WHEN code = 'WAIT_BUYER_PAY' AND step = 'FRONT_PAID_FINAL_NOPAID' THEN 'deposit_paid'
  WHEN code IN ('TRADE_NO_CREATE_PAY', 'WAIT_BUYER_PAY', 'PAY_PENDING') THEN 'unpaid'
  WHEN code IN ('PAID_FORBID_CONSIGN', 'WAIT_PRE_AUTH_CONFIRM') THEN 'paid_on_hold'
  WHEN code = 'WAIT_SELLER_SEND_GOODS' THEN 'to_ship'
  WHEN code = 'SELLER_CONSIGNED_PART' THEN 'part_shipped'
  WHEN code IN ('WAIT_BUYER_CONFIRM_GOODS', 'TRADE_BUYER_SIGNED') THEN 'shipped'
  WHEN code = 'TRADE_FINISHED' THEN 'completed'
  WHEN code = 'TRADE_CLOSED_BY_TAOBAO' THEN 'closed_unpaid'
  WHEN code = 'TRADE_CLOSED' THEN CASE WHEN paid THEN 'closed_refunded' ELSE 'closed_unpaid' END
  ELSE 'unknown' END;

CREATE TEMP MACRO refund_status_of(code) AS CASE code
  WHEN 'WAIT_SELLER_AGREE' THEN 'requested'
  WHEN 'WAIT_BUYER_RETURN_GOODS' THEN 'await_return'
  WHEN 'WAIT_SELLER_CONFIRM_GOODS' THEN 'return_in_transit'
  WHEN 'SELLER_REFUSE_BUYER' THEN 'rejected'
  WHEN 'CLOSED' THEN 'closed'
  WHEN 'SUCCESS' THEN 'refunded'
  WHEN 'WAIT_SELLER_CONSIGN_GOODS' THEN 'exchange'
  ELSE CASE WHEN contains(code, 'EXCHANGE') THEN 'exchange' ELSE 'unknown' END END;
