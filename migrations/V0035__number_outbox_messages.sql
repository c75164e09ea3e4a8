-- What the relay needs to send the outbox: which messages must stay in order, in which order, and
-- whose turn it is.

alter table holdfast.outbox_messages
    -- The order within a group. Not created_at: the clock may be set back, and is read before the
    -- lock that puts two writers of one order in a row; the number is taken behind it.
    add column number bigint,
    -- What it is about: an order, a checkout without one, a sku. Messages of one group are sent one
    -- after the other, groups beside each other.
    add column group_key text collate "C",
    add column attempts integer not null default 0,
    -- Of a claimed message: when its relay is taken for dead. Of a refused one: when it is tried
    -- again.
    add column next_try_at timestamptz,
    add column claim_id uuid,
    add column last_error text;

create sequence holdfast.outbox_numbers as bigint owned by holdfast.outbox_messages.number;
alter table holdfast.outbox_messages
    alter column number set default nextval('holdfast.outbox_numbers');

-- The group of a message. An order's money is told of by the payment's reference alone where a
-- gateway names nothing else.
create function holdfast.outbox_group(p_shop text, p_topic text, p_subject text, p_body jsonb)
    returns text
language sql stable set search_path = holdfast, pg_temp as $$
    select coalesce(
        'order/' || (p_body ->> 'order_id'),
        'order/' || (select p.order_id from payments p
            where p.shop = p_shop and p.reference = p_body ->> 'reference'),
        'checkout/' || (p_body ->> 'checkout_id'),
        'sku/' || (p_body ->> 'sku'),
        -- about nothing of ours: a group of its own
        p_topic || '/' || p_subject)
$$;

create function holdfast.set_outbox_group() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    new.group_key := outbox_group(new.shop, new.topic, new.subject, new.body);
    return new;
end;
$$;

-- A trigger, because every routine that announces something would have to think of it.
create trigger outbox_message_gets_its_group
before insert on holdfast.outbox_messages
for each row when (new.group_key is null)
execute function holdfast.set_outbox_group();

create or replace view holdfast_read.outbox_messages as
select shop, topic,
    case when topic like 'checkout.%'
        then left(md5(split_part(subject, ':', 1)), 16) || substr(subject, 37)
        else subject
    end as subject,
    created_at, sent_at, attempts, next_try_at, last_error
from holdfast.outbox_messages;
