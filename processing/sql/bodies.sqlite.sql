-- Returns the stored bodies, each a zstd frame.
SELECT id, body FROM receiver_delivery WHERE id IN (SELECT value FROM json_each(%(ids)s))
