-- What could not be mapped: where it is and why, never what it says. A replay adds nothing.
INSERT INTO ops.quarantine BY NAME
SELECT q.* FROM (
  SELECT DISTINCT p.platform, p.shop, p.api, p.window_start, p.window_end, r.row_id, r.reason, p.fetched_at,
    sha256(b.body) AS body_hash
  FROM (SELECT page_id, row_id, reason FROM memory.staged.rejected
    UNION ALL SELECT page_id, row_id, reason FROM late_rejected) AS r
  JOIN memory.staged.pages AS p USING (page_id) JOIN memory.staged.bodies AS b USING (page_id)) AS q
ANTI JOIN ops.quarantine AS known ON known.shop = q.shop AND known.api = q.api AND known.body_hash = q.body_hash
  AND known.fetched_at = q.fetched_at AND known.row_id IS NOT DISTINCT FROM q.row_id AND known.reason = q.reason;
