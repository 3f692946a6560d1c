-- The way of one parcel a page -> staged.traces. Decided by a step's action, never by the trace's status text (decision 9).
CREATE OR REPLACE TEMP TABLE trace AS
SELECT page_id, platform, shop, fetched_at, t, list_filter(coalesce(t.trace_list.transit_step_info, []),
    lambda step: instant(step.status_time) IS NOT NULL) AS steps,
  nullif(concat_ws(', ',
    CASE WHEN t IS NULL THEN 'no JSON object' WHEN text_of(t.tid) IS NULL THEN 'no tid' END,
    misfit_reason(t._misfit)), '') AS reason
FROM (
  SELECT page_id, platform, shop, fetched_at, TRY(from_json(body,
    '{"tid":"VARCHAR","out_sid":"VARCHAR","company_name":"VARCHAR","_misfit":["VARCHAR"],
      "trace_list":{"transit_step_info":[{"status_time":"VARCHAR","action":"VARCHAR"}]}}')) AS t
  FROM pages);

INSERT INTO staged.rejected SELECT page_id, text_of(t.tid), reason FROM trace WHERE reason IS NOT NULL;

-- of steps with one time SIGNED is the last, whatever their order in the list
INSERT INTO staged.traces BY NAME
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, t.tid AS order_id,
  text_of(t.out_sid) AS tracking_number, text_of(t.company_name) AS carrier, len(steps) AS step_count,
  newest.happened AS last_trace_at, newest.action AS last_trace_action, signed_at, fetched_at AS synced_at
FROM (
  SELECT *, list_max(list_transform(steps, lambda step: {'happened': instant(step.status_time),
      'signed': coalesce(step.action = 'SIGNED', false), 'action': text_of(step.action)})) AS newest,
    list_min(list_transform(list_filter(steps, lambda step: step.action = 'SIGNED'),
      lambda step: instant(step.status_time))) AS signed_at
  FROM trace)
WHERE reason IS NULL AND text_of(t.out_sid) IS NOT NULL;

DROP TABLE trace;
