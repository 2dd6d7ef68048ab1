-- Returns the deliveries that this transaction inserted, as one value: sqlite3 releases and takes Python's lock for
-- each row that it returns. New ids are larger than all others: https://www.sqlite.org/autoinc.html
SELECT json_group_array(json_array(source, guid, hook_id, id)) FROM receiver_delivery WHERE id > :before
