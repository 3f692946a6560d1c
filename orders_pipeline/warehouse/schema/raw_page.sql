-- The columns of a raw file, without rows.
SELECT
  NULL::VARCHAR AS platform, NULL::VARCHAR AS shop, NULL::VARCHAR AS api, NULL::VARCHAR AS channel,
  NULL::TIMESTAMPTZ AS window_start, NULL::TIMESTAMPTZ AS window_end, NULL::INTEGER AS page_no,
  NULL::TIMESTAMPTZ AS fetched_at, NULL::VARCHAR AS request_id, NULL::VARCHAR AS run_id,
  NULL::INTEGER AS row_count, NULL::INTEGER AS calls, NULL::VARCHAR AS body
WHERE false
