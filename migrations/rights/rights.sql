-- Which role may call which routine. Every migration applies this file after the routines, in the
-- same transaction. Only the owner may call a routine that is not listed here, and a removed line
-- removes the right with the next migration. A test compares the list with the database's grants.
--
-- Rejected: a grant at the end of each routine's file. Then no place shows all rights of a role,
-- and a deleted line does not remove the right.
do $$
declare
    v_routine text;
    v_callers text;
    v_signature regprocedure;
begin
    revoke all on all routines in schema holdfast from public, holdfast_checkout,
        holdfast_payments, holdfast_sweeper, holdfast_admin, holdfast_console,
        holdfast_readonly;
    -- Nobody has a right on a table: only the routines use tables, with the owner's rights.
    grant usage on schema holdfast
        to holdfast_checkout, holdfast_payments, holdfast_sweeper, holdfast_admin,
            holdfast_console;
    -- a person who reads: the views, and nothing else
    grant usage on schema holdfast_read to holdfast_readonly;
    grant select on all tables in schema holdfast_read to holdfast_readonly;

    -- The procedures call their …_attempt routines, attempt_count, the reclaims and the routines of
    -- early lock release with the caller's rights. So a role that may call a procedure needs these,
    -- too.
    for v_routine, v_callers in
        select * from (values
            ('announcement_put',             'admin'),
            ('announcement_read',            'admin'),
            ('attempt_count',                'checkout payments sweeper admin console'),
            ('backlog_read',                 'sweeper'),
            ('checkout_begin',               'checkout'),
            ('checkout_begin_attempt',       'checkout'),
            ('checkout_begin_many',          'checkout'),
            ('checkout_begin_many_attempt',  'checkout'),
            ('checkout_extend',              'checkout'),
            ('checkout_read',                'checkout'),
            ('checkout_reclaim',             'checkout payments sweeper admin console'),
            ('checkout_release',             'checkout'),
            ('checkout_revoke',              'admin console'),
            ('coupon_list',                  'admin'),
            ('coupon_put',                   'admin'),
            ('coupon_read',                  'admin'),
            ('delivery_list',                'admin console'),
            ('delivery_resend',              'admin console'),
            ('departure_list',               'admin console'),
            ('departure_near',               'admin console'),
            ('early_release_chosen',         'checkout payments sweeper admin console'),
            ('early_release_lock',           'checkout payments sweeper admin console'),
            ('early_release_persist',        'checkout payments sweeper admin console'),
            ('early_release_way',            'checkout payments sweeper admin console'),
            ('gateway_order_claim',          'checkout'),
            ('gateway_order_close',          'checkout sweeper'),
            ('gateway_order_due',            'sweeper'),
            ('gateway_order_put',            'checkout'),
            ('gateway_order_read',           'checkout'),
            ('health_read',                  'admin console'),
            ('history_outline',              'console'),
            ('history_search',               'admin'),
            ('history_timeline',             'admin console'),
            ('hold_backlog',                 'sweeper'),
            ('hold_list',                    'admin'),
            ('hold_purge',                   'sweeper'),
            ('import_apply',                 'admin console'),
            ('import_purge',                 'sweeper'),
            ('import_report',                'admin console'),
            ('import_stage',                 'admin console'),
            ('ledger_list',                  'admin console'),
            ('lookup_claim',                 'sweeper'),
            ('order_amend',                  'admin console'),
            ('order_amend_attempt',          'admin console'),
            ('order_book',                   'admin console'),
            ('order_book_attempt',           'admin console'),
            ('order_cancel',                 'admin console'),
            ('order_create',                 'checkout'),
            ('order_create_attempt',         'checkout'),
            ('order_read',                   'checkout'),
            ('order_restock',                'admin'),
            ('outbox_claim',                 'payments sweeper'),
            ('outbox_mark',                  'payments sweeper'),
            ('outbox_purge',                 'sweeper'),
            ('outbox_waiting',               'sweeper'),
            ('payment_accept',               'admin console'),
            ('payment_accept_attempt',       'admin console'),
            ('payment_event_dismiss',        'admin console'),
            ('payment_event_retry',          'console'),
            ('payment_parked_events',        'sweeper'),
            ('payment_parked_list',          'admin console'),
            ('payment_record_event',         'payments sweeper admin'),
            ('payment_record_event_attempt', 'payments sweeper admin'),
            ('payment_record_events',        'payments'),
            ('payment_record_events_attempt', 'payments'),
            ('payment_redrive',              'admin'),
            ('promises_breached',            'admin console'),
            ('promises_due',                 'sweeper'),
            ('promises_list',                'admin'),
            ('promises_recheck',             'sweeper'),
            ('promises_sweep',               'sweeper'),
            ('refund_backlog',               'sweeper'),
            ('refund_claim',                 'sweeper'),
            ('refund_list',                  'admin console'),
            ('refund_overview',              'admin console'),
            ('refund_report',                'sweeper'),
            ('refund_request',               'admin console'),
            ('refund_retry',                 'admin console'),
            ('refund_untried',               'sweeper'),
            ('sale_read',                    'admin console'),
            ('shop_list',                    'sweeper'),
            ('shop_node',                    'checkout payments sweeper admin console'),
            ('shop_put',                     'admin'),
            ('shop_read',                    'admin console'),
            ('sku_close',                    'admin console'),
            ('sku_export',                   'admin'),
            ('sku_find',                     'admin console'),
            ('sku_list',                     'admin console'),
            ('sku_manifest',                 'admin console'),
            ('sku_put',                      'admin'),
            ('sku_read',                     'admin console'),
            ('sku_retire',                   'admin'),
            ('stock_adjust',                 'admin console'),
            ('stock_availability',           'checkout'),
            ('stock_read',                   'admin'),
            ('stock_receive',                'admin console'),
            ('stock_set',                    'admin console'),
            ('stock_shrink',                 'admin console'),
            ('stock_shrink_attempt',         'admin console'),
            ('stock_shrink_reclaim',         'admin console'),
            ('subscriber_backlog',           'sweeper'),
            ('subscriber_claim',             'sweeper'),
            ('subscriber_delete',            'admin'),
            ('subscriber_enable',            'admin console'),
            ('subscriber_list',              'admin console'),
            ('subscriber_mark',              'sweeper'),
            ('subscriber_put',               'admin'),
            ('subscriber_read',              'admin console'),
            ('subscriber_test',              'admin console'),
            ('subscriber_waiting',           'sweeper'),
            ('sweep_expire',                 'sweeper')
        ) r (routine, callers)
    loop
        -- each of its signatures: during a release there may be two
        for v_signature in
            select p.oid::regprocedure from pg_proc p
            where p.pronamespace = 'holdfast'::regnamespace and p.proname = v_routine
        loop
            execute format('grant execute on routine %s to holdfast_%s',
                v_signature, replace(v_callers, ' ', ', holdfast_'));
        end loop;
        if not found then
            raise exception 'rights.sql names a routine that does not exist: %', v_routine;
        end if;
    end loop;
end;
$$;
