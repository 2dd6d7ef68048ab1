-- Returns the waiting siblings of settled deliveries, and which settled delivery each belongs to.
SELECT delivery.id, settled.id
FROM receiver_delivery AS settled
JOIN receiver_delivery AS delivery
    ON delivery.guid = settled.guid AND delivery.source = settled.source AND delivery.event = settled.event
    AND delivery.digest IS settled.digest
WHERE settled.id IN (SELECT value FROM json_each(%(ids)s)) AND settled.finished_at IS NOT NULL
    AND delivery.status = 'received'
LIMIT %(limit)s
