-- Money that came in, and money that goes back. A payment's status never goes down again: a refund
-- and a dispute are facts beside it.

-- Each capture of money by a gateway, once, even if several events report it.
create table holdfast.payment_captures (
    shop text collate "C" not null,
    gateway text collate "C" not null,
    -- the gateway's id of the payment, or our reference if the gateway gave none
    gateway_payment_id text collate "C" not null,
    reference text collate "C" not null,
    -- null: the event had no valid amount of its currency
    amount_minor bigint,
    currency text collate "C",
    -- Whether it counts towards the order's total: the right currency, and no more than the total.
    -- A person decides about any other capture.
    counts boolean not null,
    -- Staff took it as a part of the payment all the same.
    accepted boolean not null default false,
    -- the sum of its refunds, done or owed; a trigger on refunds keeps it
    refunded_minor bigint not null default 0,
    captured_at timestamptz not null,
    primary key (shop, gateway, gateway_payment_id),
    foreign key (shop, reference) references holdfast.payments,
    constraint capture_texts_are_short check (length(gateway) <= 16
        and length(gateway_payment_id) <= 255 and length(currency) <= 3),
    constraint capture_never_refunded_beyond_its_amount
        check (0 <= refunded_minor and refunded_minor <= coalesce(amount_minor, 0)),
    constraint capture_that_counts_has_an_amount
        check (not (counts or accepted) or (amount_minor > 0 and currency is not null)),
    constraint capture_times_can_be_shown
        check (captured_at >= '0001-01-01 00:00:00+00' and captured_at < '10000-01-01 00:00:00+00')
);
create index captures_of_reference_idx on holdfast.payment_captures (shop, reference);

create trigger capture_is_evidence
before update on holdfast.payment_captures
for each row when ((old.reference, old.amount_minor, old.currency, old.counts, old.captured_at)
    is distinct from (new.reference, new.amount_minor, new.currency, new.counts, new.captured_at)
    or old.accepted and not new.accepted)
execute function holdfast.refuse('A capture never changes. Money that goes back is a refund.');

create trigger capture_is_never_deleted
before delete on holdfast.payment_captures
for each row execute function holdfast.refuse('A capture is evidence of money.');

-- Each row is one refund at the gateway.
create table holdfast.refunds (
    shop text collate "C" not null,
    -- ours, and the idempotency key at the gateway
    refund_id uuid not null,
    order_id uuid not null,
    reference text collate "C" not null,
    gateway text collate "C" not null,
    gateway_payment_id text collate "C" not null,
    amount_minor bigint not null constraint refund_is_of_something check (amount_minor > 0),
    currency text collate "C" not null,
    -- late: the goods were gone; excess: more than the total; requested: by staff; review: by
    -- staff, of money that did not count; gateway: made at the gateway, and known from its event
    reason text collate "C" not null constraint refund_reason_is_known
        check (reason in ('late', 'excess', 'requested', 'review', 'gateway')),
    status text collate "C" not null default 'owed' constraint refund_status_is_known
        check (status in ('owed', 'sending', 'pending', 'settled', 'failed')),
    -- the gateway says that it failed, even after an earlier success: final
    bounced boolean not null default false,
    -- it no longer counts: another refund replaced it, or nobody was owed it
    void boolean not null default false,
    -- Staff confirmed it although a bank may take the same money.
    despite_dispute boolean not null default false,
    -- A request by staff, under an id that their client made. It may need one refund per capture.
    request_id uuid,
    request_hash bytea,
    -- the bounced refund that this one replaces
    retry_of uuid,
    attempts integer not null default 0,
    -- owed: when to send it; sending: when its sender counts as dead
    next_try_at timestamptz not null,
    looked_up_at timestamptz,
    gateway_refund_id text collate "C",
    last_error text collate "C",
    actor text collate "C" not null
        constraint refund_names_an_actor check (length(actor) between 1 and 256),
    note text collate "C" constraint refund_note_is_short check (length(note) <= 500),
    created_at timestamptz not null,
    settled_at timestamptz,
    -- a trigger keeps it: for the check of the promises
    changed_at timestamptz not null default clock_timestamp(),
    primary key (shop, refund_id),
    foreign key (shop, order_id) references holdfast.orders,
    foreign key (shop, gateway, gateway_payment_id) references holdfast.payment_captures,
    constraint refund_settled_at_matches_status
        check (status <> 'settled' or settled_at is not null),
    constraint refund_texts_are_short check (length(gateway_refund_id) <= 255
        and length(last_error) <= 1000 and octet_length(request_hash) <= 64),
    constraint refund_that_bounced_has_failed check (not bounced or status = 'failed'),
    constraint refund_request_has_both check ((request_id is null) = (request_hash is null)),
    constraint refund_times_can_be_shown check (
        least(next_try_at, looked_up_at, created_at, settled_at, changed_at)
                >= '0001-01-01 00:00:00+00'
            and greatest(next_try_at, looked_up_at, created_at, settled_at, changed_at)
                < '10000-01-01 00:00:00+00')
);
create index refunds_due_idx on holdfast.refunds (shop, next_try_at)
    where status in ('owed', 'sending');
create index refunds_owed_idx on holdfast.refunds (shop, created_at)
    where status in ('owed', 'sending') and not void;
create index refunds_pending_idx on holdfast.refunds (shop, created_at)
    where status = 'pending' and not void;
create index refunds_look_up_idx on holdfast.refunds (shop, looked_up_at nulls first, created_at)
    where status = 'pending';
create index refunds_of_order_idx on holdfast.refunds (shop, order_id);
create index refunds_by_time_idx on holdfast.refunds (shop, created_at, refund_id);
create index refunds_changed_idx on holdfast.refunds (shop, changed_at, refund_id);
create index refunds_settled_idx on holdfast.refunds (shop, settled_at)
    where settled_at is not null;
-- refund_list by status; the settled ones are as many as all
create index refunds_of_status_idx on holdfast.refunds (shop, status, created_at, refund_id)
    where status <> 'settled';
create index refunds_failed_idx on holdfast.refunds (shop, created_at, refund_id)
    where status = 'failed' and not void;
create index refunds_of_request_idx on holdfast.refunds (shop, request_id)
    where request_id is not null;
-- One refund of the gateway is one row.
create unique index refunds_of_gateway_idx on holdfast.refunds (shop, gateway, gateway_refund_id)
    where gateway_refund_id is not null;
create index refunds_of_gateway_id_idx on holdfast.refunds (shop, gateway_refund_id)
    where gateway_refund_id is not null;

-- The refunds of a capture never add up to more than its amount, also if a statement by hand writes
-- them.
create function holdfast.count_refund() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    update payment_captures c
    set refunded_minor = c.refunded_minor + case when new.void then 0 else new.amount_minor end
        - case when tg_op = 'INSERT' or old.void then 0 else old.amount_minor end
    where c.shop = new.shop and c.gateway = new.gateway
        and c.gateway_payment_id = new.gateway_payment_id;
    return null;
end;
$$;

create trigger refund_is_counted_on_insert
after insert on holdfast.refunds
for each row when (not new.void) execute function holdfast.count_refund();

create trigger refund_is_counted_on_update
after update on holdfast.refunds
for each row when (old.void <> new.void) execute function holdfast.count_refund();

-- Rejected: a stamp in each routine. Many routines move a refund, and one would forget it.
create function holdfast.stamp_refund() returns trigger
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    new.changed_at := clock_timestamp();
    return new;
end;
$$;

create trigger refund_change_is_stamped
before update on holdfast.refunds
for each row execute function holdfast.stamp_refund();

create trigger refund_is_of_one_sum
before update on holdfast.refunds
for each row when ((old.order_id, old.reference, old.gateway, old.gateway_payment_id,
    old.amount_minor, old.currency) is distinct from (new.order_id, new.reference, new.gateway,
    new.gateway_payment_id, new.amount_minor, new.currency))
execute function holdfast.refuse('For another amount, make another refund.');

create trigger refund_settles_once
before update on holdfast.refunds
for each row when (old.status = 'settled' and new.status <> 'settled' and not new.bounced)
execute function holdfast.refuse(
    'A settled refund stays settled, unless the gateway says that the money came back.');

create trigger refund_bounces_once
before update on holdfast.refunds
for each row when (old.bounced and not new.bounced or old.void and not new.void)
execute function holdfast.refuse('A refund that failed at the gateway needs another refund.');

create trigger refund_is_never_deleted
before delete on holdfast.refunds
for each row execute function holdfast.refuse('A refund is evidence of money.');

-- A bank asks for a payment's money back: for all of it or for a part, and maybe again after the
-- shop has won. Only the bank decides; people act at the gateway.
create table holdfast.disputes (
    shop text collate "C" not null,
    gateway text collate "C" not null,
    -- the gateway's id of the dispute, or of its payment if the gateway gave none
    dispute_id text collate "C" not null,
    reference text collate "C" not null,
    gateway_payment_id text collate "C",
    -- null: the event had no valid amount of its currency
    amount_minor bigint,
    currency text collate "C",
    -- inquiry: the bank asks, and takes no money yet; dispute: at the gateway, before a chargeback
    stage text collate "C" not null constraint dispute_stage_is_known
        check (stage in ('inquiry', 'dispute', 'chargeback', 'pre_arbitration', 'arbitration')),
    -- won: the shop keeps the money; lost: the bank has taken it; closed: ended without a decision
    status text collate "C" not null constraint dispute_status_is_known
        check (status in ('open', 'won', 'lost', 'closed')),
    opened_at timestamptz not null,
    ended_at timestamptz,
    primary key (shop, gateway, dispute_id),
    foreign key (shop, reference) references holdfast.payments,
    constraint dispute_texts_are_short check (length(gateway) <= 16 and length(dispute_id) <= 255
        and length(gateway_payment_id) <= 255 and length(currency) <= 3),
    constraint dispute_ended_at_matches_status check ((status = 'open') = (ended_at is null)),
    constraint dispute_times_can_be_shown check (
        least(opened_at, ended_at) >= '0001-01-01 00:00:00+00'
            and greatest(opened_at, ended_at) < '10000-01-01 00:00:00+00')
);
create index disputes_of_reference_idx on holdfast.disputes (shop, reference);
create index disputes_of_id_idx on holdfast.disputes (shop, dispute_id);

create trigger dispute_is_never_deleted
before delete on holdfast.disputes
for each row execute function holdfast.refuse('A dispute is evidence about money.');
