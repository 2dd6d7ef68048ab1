-- Settles these siblings as settle_siblings.postgresql.sql does, each pair a sibling and its settled delivery.
UPDATE receiver_delivery
SET status = settled.status,
    error = settled.error,
    attempts = receiver_delivery.attempts + 1,
    next_attempt_at = NULL,
    finished_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
FROM json_each(%(pairs)s) AS pair JOIN receiver_delivery AS settled ON settled.id = pair.value ->> 1
WHERE receiver_delivery.id = pair.value ->> 0
