-- The messages of before there were numbers, in the order of their times, and before all others. In
-- a transaction of its own: it locks rows that nobody else changes, and no table.
update holdfast.outbox_messages b
set number = -w.place, group_key = holdfast.outbox_group(b.shop, b.topic, b.subject, b.body)
from (
    select o.shop, o.topic, o.subject,
        row_number() over (order by o.created_at desc, o.topic desc, o.subject desc) as place
    from holdfast.outbox_messages o where o.number is null and o.sent_at is null) w
where b.shop = w.shop and b.topic = w.topic and b.subject = w.subject;
