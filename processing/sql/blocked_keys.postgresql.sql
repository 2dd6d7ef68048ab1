-- Returns all ordering keys of received deliveries, one index probe for each key.
WITH RECURSIVE found (key) AS (
    (
        SELECT ordering_key
        FROM receiver_delivery
        WHERE status = 'received' AND ordering_key IS NOT NULL
        ORDER BY ordering_key
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT ordering_key
        FROM receiver_delivery
        WHERE status = 'received' AND ordering_key IS NOT NULL AND ordering_key > found.key
        ORDER BY ordering_key
        LIMIT 1
    )
    FROM found
    WHERE found.key IS NOT NULL
)
SELECT key FROM found
