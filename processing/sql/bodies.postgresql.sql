-- Returns the stored bodies, each a zstd frame.
SELECT id, body FROM receiver_delivery WHERE id = ANY(%(ids)s::bigint[])
