-- The same claim as claim.postgresql.sql on SQLite, where one writer at a time makes locks needless.
WITH rules AS MATERIALIZED (
    SELECT value ->> '$.event' AS event, value ->> '$.action' AS action, value ->> '$.by_number' AS by_number
    FROM json_each(%(rules)s)
),
due AS MATERIALIZED (
    SELECT * FROM (
        SELECT id, received_at AS due_at
        FROM receiver_delivery
        WHERE status = 'processing'
            AND lease_expires_at <=
                CASE WHEN %(recover)s THEN '9999-12-31' ELSE strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') END
            AND CASE WHEN worker = %(worker)s
                THEN (crashes > 0) = %(suspects)s AND id NOT IN (SELECT value FROM json_each(%(held)s))
                ELSE %(takeover)s AND lease_expires_at <= strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
            END
        ORDER BY lease_expires_at
        LIMIT %(limit)s + 50
    )
    UNION ALL
    SELECT * FROM (
        SELECT id, next_attempt_at AS due_at
        FROM receiver_delivery
        WHERE NOT %(suspects)s AND crashes = 0 AND (status = 'received' OR status = 'retrying')
            AND (%(only)s IS NULL OR id = %(only)s)
            -- Columns have microseconds and strftime has milliseconds, so a row of this millisecond is due, too.
            AND next_attempt_at <= strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') || '999'
        ORDER BY next_attempt_at, received_at, id
        LIMIT %(limit)s + 50
    )
    UNION ALL
    SELECT * FROM (
        SELECT id, next_attempt_at AS due_at
        FROM receiver_delivery
        WHERE %(suspects)s AND crashes > 0 AND (status = 'received' OR status = 'retrying')
            AND next_attempt_at <= strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') || '999'
        ORDER BY next_attempt_at, received_at, id
        LIMIT %(limit)s + 50
    )
),
candidate AS MATERIALIZED (
    SELECT id, due_at, source, guid, status, claims, received_at, COALESCE(size, 20 * length(body)) AS size,
        status = 'processing' AND worker <> %(worker)s AS lost,
        CASE WHEN status = 'processing' THEN ordering_key ELSE COALESCE((
            SELECT min(CASE WHEN by_number THEN repository_id || '/' || number ELSE repository_id || '' END)
            FROM rules
            WHERE rules.event = delivery.event AND COALESCE(rules.action = delivery.action, true)
        ), ordering_key) END AS key
    FROM due JOIN receiver_delivery AS delivery USING (id)
),
judged AS MATERIALIZED (
    SELECT candidate.*,
        status <> 'processing' AND key IS NOT NULL AND (
            row_number() OVER (PARTITION BY key ORDER BY status <> 'processing', received_at, id) > 1
            OR EXISTS (
                SELECT 1 FROM receiver_delivery AS holder
                WHERE holder.status = 'processing' AND holder.ordering_key = candidate.key
            )
            OR EXISTS (
                SELECT 1 FROM receiver_delivery AS older
                WHERE older.status = 'received' AND older.ordering_key = candidate.key
                    AND (older.received_at, older.id) < (candidate.received_at, candidate.id)
            )
        ) AS behind,
        row_number() OVER (PARTITION BY source, guid ORDER BY status <> 'processing', received_at, id) > 1
        OR (
            status <> 'processing' AND EXISTS (
                SELECT 1 FROM receiver_delivery AS sibling
                WHERE sibling.status = 'processing' AND sibling.source = candidate.source
                    AND sibling.guid = candidate.guid
            )
        ) AS beside
    FROM candidate
),
free AS MATERIALIZED (
    SELECT id, row_number() OVER oldest_first AS place, sum(size) OVER oldest_first AS size
    FROM judged
    WHERE NOT behind AND NOT beside AND NOT lost
    WINDOW oldest_first AS (ORDER BY due_at, received_at, id)
),
verdict AS MATERIALIZED (
    SELECT judged.id, key, behind, lost, free.id IS NOT NULL AS claimed
    FROM judged LEFT JOIN free
        ON free.id = judged.id AND place <= %(limit)s AND (free.size <= %(size)s OR (place = 1 AND %(alone)s))
    WHERE free.id IS NOT NULL OR behind OR beside OR lost
)
UPDATE receiver_delivery
SET status = CASE WHEN claimed THEN 'processing' ELSE 'received' END,
    ordering_key = key,
    claims = claims + claimed,
    crashes = CASE WHEN lost THEN max(crashes, 1) ELSE crashes END,
    trigger = CASE WHEN lost THEN 'sweep' ELSE trigger END,
    worker = CASE WHEN claimed THEN %(worker)s ELSE worker END,
    lease_expires_at =
        CASE WHEN claimed THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds') END,
    next_attempt_at = CASE
        WHEN lost THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
        WHEN NOT claimed AND NOT behind
            THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '5 seconds')
    END
FROM verdict
WHERE receiver_delivery.id = verdict.id
RETURNING
    id, guid, hook_id, source, event, action, repository, installation_id, content_type, headers, received_at,
    status, attempts, claims, crashes, error, worker, trigger, ordering_key,
    COALESCE(size, 20 * length(body)) AS size,
    -- With + they are expressions: SQLite uses no index for a column of the changed row in RETURNING.
    EXISTS (
        SELECT 1 FROM receiver_delivery AS sibling
        WHERE sibling.guid = +receiver_delivery.guid AND sibling.source = +receiver_delivery.source
            AND sibling.id <> receiver_delivery.id
    ) AS has_siblings,
    0 AS judged
