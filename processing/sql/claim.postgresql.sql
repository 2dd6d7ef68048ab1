-- Claims what is due, oldest first, as far as `limit` rows and `size` bytes of bodies allow.
--
-- Due are: deliveries that were received, and retries whose time has come. With `recover` also claims of this worker
-- that it does not hold, because the answer to an earlier claim was lost.
--
-- With `takeover`, deliveries whose leases ended under other workers become suspects (`crashes` is above zero) and are
-- due again. Only claims with `suspects`, those of an isolating process, take suspects; they take nothing else.
--
-- A delivery waits while a sibling (same source and guid) is in processing, and while another delivery of its
-- ordering key is in processing or was received before it. The statement judges all due rows in one snapshot, also
-- locked ones, and locks afterwards: a row that another worker is claiming still counts as older. A race that this
-- does not see violates delivery_processing_guid or delivery_processing_key, and the claim is tried again.
--
-- It looks at 50 due rows beyond those that it may take, so that waiting ones do not fill it. A delivery beside a sibling
-- is due again after 5 seconds; the settlement of the sibling makes it due at once.
--
-- A delivery behind its ordering key leaves the index of due rows (next_attempt_at is null), so that no later claim
-- reads it before unblock.sql makes it due again.
WITH rules AS MATERIALIZED (
    SELECT event, action, by_number
    FROM jsonb_to_recordset(%(rules)s::jsonb) AS rule (event text, action text, by_number boolean)
),
candidate AS MATERIALIZED (
    SELECT id, due_at, source, guid, status, claims, received_at,
        COALESCE(size, 20 * octet_length(body)) AS size,
        status = 'processing' AND worker <> %(worker)s AS lost,
        CASE WHEN status = 'processing' THEN ordering_key ELSE COALESCE((
            SELECT min(CASE WHEN by_number THEN repository_id || '/' || number ELSE repository_id::text END)
            FROM rules
            WHERE rules.event = due.event AND COALESCE(rules.action = due.action, true)
        ), ordering_key) END AS key
    FROM (
        (
            SELECT *, received_at AS due_at
            FROM receiver_delivery
            WHERE status = 'processing'
                AND lease_expires_at <= CASE WHEN %(recover)s THEN 'infinity' ELSE statement_timestamp() END
                AND CASE WHEN worker = %(worker)s
                    THEN (crashes > 0) = %(suspects)s AND id <> ALL(%(held)s::bigint[])
                    ELSE %(takeover)s AND lease_expires_at <= statement_timestamp()
                END
            ORDER BY lease_expires_at
            LIMIT %(limit)s + 50
        )
        UNION ALL
        (
            SELECT *, next_attempt_at AS due_at
            FROM receiver_delivery
            WHERE NOT %(suspects)s AND crashes = 0 AND (status = 'received' OR status = 'retrying')
                AND (%(only)s::bigint IS NULL OR id = %(only)s)
                AND next_attempt_at <= statement_timestamp()
            ORDER BY next_attempt_at, received_at, id
            LIMIT %(limit)s + 50
        )
        UNION ALL
        (
            SELECT *, next_attempt_at AS due_at
            FROM receiver_delivery
            WHERE %(suspects)s AND crashes > 0 AND (status = 'received' OR status = 'retrying')
                AND next_attempt_at <= statement_timestamp()
            ORDER BY next_attempt_at, received_at, id
            LIMIT %(limit)s + 50
        )
    ) AS due
),
judged AS MATERIALIZED (
    SELECT candidate.*,
        status <> 'processing' AND key IS NOT NULL AND (
            row_number() OVER (PARTITION BY key ORDER BY status <> 'processing', received_at, id) > 1
            OR EXISTS (
                SELECT FROM receiver_delivery AS holder
                WHERE holder.status = 'processing' AND holder.ordering_key = candidate.key
            )
            OR EXISTS (
                SELECT FROM receiver_delivery AS older
                WHERE older.status = 'received' AND older.ordering_key = candidate.key
                    AND (older.received_at, older.id) < (candidate.received_at, candidate.id)
            )
        ) AS behind,
        row_number() OVER (PARTITION BY source, guid ORDER BY status <> 'processing', received_at, id) > 1
        OR (
            status <> 'processing' AND EXISTS (
                SELECT FROM receiver_delivery AS sibling
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
    SELECT judged.id, claims, status, key, behind, lost, free.id IS NOT NULL AS claimed
    FROM judged LEFT JOIN free
        ON free.id = judged.id AND place <= %(limit)s AND (free.size <= %(size)s OR (place = 1 AND %(alone)s))
    WHERE free.id IS NOT NULL OR behind OR beside OR lost
),
locked AS MATERIALIZED (
    SELECT verdict.*
    FROM verdict JOIN receiver_delivery AS delivery USING (id)
    -- As an array, they are one search of the primary key. A small table would be read whole for the join.
    WHERE delivery.id = ANY(ARRAY(SELECT id FROM verdict))
        AND delivery.status = verdict.status AND delivery.claims = verdict.claims
        AND CASE delivery.status
            WHEN 'processing' THEN
                delivery.lease_expires_at <= statement_timestamp() OR delivery.worker = %(worker)s
            ELSE delivery.next_attempt_at <= statement_timestamp()
        END
        -- A claim that a crash of the server undoes was never made: its commit need not wait for the disk.
        AND set_config('synchronous_commit', 'off', true) = 'off'
    ORDER BY delivery.guid, delivery.hook_id, delivery.source
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
),
changed AS (
    UPDATE receiver_delivery AS delivery
    SET status = CASE WHEN claimed THEN 'processing' ELSE 'received' END,
        ordering_key = key,
        claims = delivery.claims + claimed::integer,
        crashes = CASE WHEN lost THEN greatest(crashes, 1) ELSE crashes END,
        trigger = CASE WHEN lost THEN 'sweep' ELSE trigger END,
        worker = CASE WHEN claimed THEN %(worker)s ELSE worker END,
        lease_expires_at = CASE WHEN claimed THEN statement_timestamp() + make_interval(secs => %(lease)s) END,
        next_attempt_at = CASE
            WHEN lost THEN statement_timestamp()
            WHEN NOT claimed AND NOT behind THEN statement_timestamp() + interval '5 seconds'
        END
    FROM locked
    WHERE delivery.id = locked.id
    RETURNING
        delivery.id, delivery.guid, delivery.hook_id, delivery.source, delivery.event, delivery.action,
        delivery.repository, delivery.installation_id, delivery.content_type, delivery.headers,
        delivery.received_at, delivery.status, delivery.attempts, delivery.claims, delivery.crashes,
        delivery.error, delivery.worker, delivery.trigger, delivery.ordering_key,
        COALESCE(delivery.size, 20 * octet_length(delivery.body)) AS size,
        EXISTS (
            SELECT FROM receiver_delivery AS sibling
            WHERE sibling.guid = delivery.guid AND sibling.source = delivery.source AND sibling.id <> delivery.id
        ) AS has_siblings
)
-- One row at least: more was judged than changed where other workers locked rows first.
SELECT changed.*, (SELECT count(*) FROM verdict) AS judged
FROM (VALUES (1)) AS always LEFT JOIN changed ON true
