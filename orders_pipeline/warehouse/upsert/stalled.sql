-- A parcel without a step for 72 hours is stalled (decision 9). Time alone makes it so: every transaction looks at all of them.
UPDATE core.parcels SET stalled_since = last_trace_at
WHERE stalled_since IS NULL AND signed_at IS NULL
  AND last_trace_at <= (SELECT at_time FROM moment) - INTERVAL 72 HOURS;
