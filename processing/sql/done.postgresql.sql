-- Returns the runs that count for these deliveries: their own, and those of their siblings, which have the same
-- source, guid, event and body. A row of version 0.1 has no digest.
SELECT delivery.id, sibling.id = delivery.id AS own, run.handler, run.outcome
FROM receiver_delivery AS delivery
JOIN receiver_delivery AS sibling
    ON sibling.guid = delivery.guid AND sibling.source = delivery.source AND sibling.event = delivery.event
    AND sibling.digest IS NOT DISTINCT FROM delivery.digest
JOIN receiver_handlerrun AS run ON run.delivery_id = sibling.id AND NOT run.superseded
WHERE delivery.id = ANY(%(ids)s::bigint[])
