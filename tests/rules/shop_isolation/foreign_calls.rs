//! Calls of one shop with the ids of another.

/// Calls for `other` with the ids of `main`: of procedures, and of functions with a parameter that
/// [`ARGUMENTS`] does not name.
pub(super) const FOREIGN_CALLS: [(&str, &str); 61] = [
    (
        "announcement_put",
        "select holdfast.announcement_put('other', true)",
    ),
    (
        "checkout_begin",
        "call holdfast.checkout_begin('other', '{checkout}', 'secret-c', 1, '', null,
            '{SECRET}', '{1}')",
    ),
    (
        "checkout_begin_many",
        "call holdfast.checkout_begin_many('other', '{{checkout}}', '{secret-c}', '{1}', '{a}',
            '{null}', '{SECRET}', '{1}', '{1}', '{1}')",
    ),
    (
        "checkout_extend",
        "select holdfast.checkout_extend('other', '{checkout}', null, null)",
    ),
    (
        "checkout_reclaim",
        "select holdfast.checkout_reclaim('other', row('{SECRET}', 'SECRET', 'secret-c'))",
    ),
    (
        "checkout_release",
        "select holdfast.checkout_release('other', '{checkout}', null)",
    ),
    (
        "checkout_revoke",
        "select holdfast.checkout_revoke('other', '{checkout}', 'clerk', 'kept from others')",
    ),
    (
        "coupon_put",
        "select holdfast.coupon_put('other', 'SECRET', 'fixed', 7, 0, null, null, 7)",
    ),
    (
        "delivery_resend",
        "select holdfast.delivery_resend('other', 'secret', 'stock.back', 'SECRET@1', null,
            'clerk')",
    ),
    (
        "departure_list",
        "select holdfast.departure_list('other', current_date, 31, null, null, 10, 100)",
    ),
    (
        "departure_near",
        "select holdfast.departure_near('other', 'SECRET', 1, 10, 100)",
    ),
    (
        "early_release_persist",
        "select holdfast.early_release_persist('other', 'row-lock', '{checkout}')",
    ),
    (
        "early_release_lock",
        "select holdfast.early_release_lock('other', '{checkout}', null, null)",
    ),
    (
        "gateway_order_close",
        "select holdfast.gateway_order_close('other', 'stripe', 'cs_secret')",
    ),
    (
        "gateway_order_due",
        "select holdfast.gateway_order_due('other', 10, 3600)",
    ),
    (
        "gateway_order_put",
        "select holdfast.gateway_order_put('other', '{reference}', 'stripe', 'cs_other', '{}', 60)",
    ),
    (
        "history_outline",
        "select holdfast.history_outline('other', 'SECRET', '{checkout}', 10, 10, 100)",
    ),
    (
        "history_search",
        "select holdfast.history_search('other', 'SECRET', '{checkout}', 10, 10, 100)",
    ),
    (
        "hold_purge",
        "select holdfast.hold_purge('other', interval '1 day', 100)",
    ),
    (
        "import_apply",
        "select holdfast.import_apply('other', '{checkout}', 1, 'good_rows_only', false, 'clerk',
            100)",
    ),
    (
        "import_purge",
        "select holdfast.import_purge('other', interval '1 day', 100)",
    ),
    (
        "import_stage",
        "select holdfast.import_stage('other', '{checkout}', 1, 'clerk', 500, '{1}', '{SECRET}',
            '{x}', '{null}', '{null}', '{1}', '{null}', '{null}', '{f}', '{null}', '{f}', '{null}',
            '{null}', '{f}', '{null}', '{7}', '{null}', '{null}')",
    ),
    (
        "ledger_list",
        "select holdfast.ledger_list('other', 'SECRET', null, null, null, null, null, null, null,
            null, 10, 100)",
    ),
    (
        "lookup_claim",
        "select holdfast.lookup_claim('other', 10, 3600, 3600, 0, 0)",
    ),
    (
        "order_amend",
        "call holdfast.order_amend('other', '{checkout}', 1, 'clerk', '{SECRET}', '{1}')",
    ),
    (
        "order_book",
        "call holdfast.order_book('other', '{checkout}', 'party', '', gen_random_uuid(), 'other-2',
            'SECRET', 'clerk', '{SECRET}', '{1}')",
    ),
    (
        "order_cancel",
        "select holdfast.order_cancel('other', '{checkout}', 'clerk', null)",
    ),
    (
        "order_create",
        "call holdfast.order_create('other', '{checkout}', null, '', gen_random_uuid(), 'other-1',
            'online', 'SECRET', null, null, false)",
    ),
    (
        "order_restock",
        "select holdfast.order_restock('other', '{order}', gen_random_uuid(), '', 'clerk', null,
            '{SECRET}', '{1}')",
    ),
    (
        "outbox_claim",
        "select holdfast.outbox_claim('other', null, '{checkout}', 100, interval '1 minute')",
    ),
    (
        "outbox_mark",
        "select holdfast.outbox_mark('other', '{checkout}', '{stock.back}', '{SECRET@1}', '{sent}',
            '{null}')",
    ),
    (
        "outbox_purge",
        "select holdfast.outbox_purge('other', interval '1 day', 100)",
    ),
    (
        "payment_accept",
        "call holdfast.payment_accept('other', '{order}', 10000, 'clerk', 'note')",
    ),
    (
        "payment_event_dismiss",
        "select holdfast.payment_event_dismiss('other', 'cashfree', 'Paid:pay', 'clerk')",
    ),
    (
        "payment_event_retry",
        "select holdfast.payment_event_retry('other', 'cashfree', 'Paid:pay', 'clerk')",
    ),
    (
        "payment_parked_events",
        "select holdfast.payment_parked_events('other', 100)",
    ),
    (
        "payment_record_event",
        "call holdfast.payment_record_event('other', 'cashfree', 'key', '{reference}', 'paid',
            10000, 'INR', 'pay', '', null, null, null, null)",
    ),
    (
        "payment_record_events",
        "call holdfast.payment_record_events('other', jsonb_build_array(jsonb_build_object(
            'gateway', 'cashfree', 'event_key', 'keys', 'reference', '{reference}',
            'kind', 'paid', 'amount_minor', 10000, 'currency', 'INR',
            'gateway_payment_id', 'pays', 'payload', '')))",
    ),
    (
        "payment_redrive",
        "select holdfast.payment_redrive('other', 'cashfree', 'Paid:pay', 'clerk')",
    ),
    (
        "promises_recheck",
        "select holdfast.promises_recheck('other')",
    ),
    (
        "promises_sweep",
        "select holdfast.promises_sweep('other', 'changed', 100)",
    ),
    ("refund_claim", "select holdfast.refund_claim('other', 10)"),
    (
        "refund_report",
        "select holdfast.refund_report('other', '{refund}', 'settled', 'rf', null)",
    ),
    (
        "refund_request",
        "select holdfast.refund_request('other', '{order}', gen_random_uuid(), '', 'clerk', null,
            1, null, null, null)",
    ),
    (
        "refund_retry",
        "select holdfast.refund_retry('other', '{refund}', 'clerk')",
    ),
    (
        "refund_untried",
        "select holdfast.refund_untried('other', array['{refund}']::uuid[], array[0])",
    ),
    (
        "sale_read",
        "select holdfast.sale_read('other', '{SECRET}', 60, 100)",
    ),
    (
        "shop_put",
        "select holdfast.shop_put('other', 'Renamed', 'INR')",
    ),
    (
        "sku_find",
        "select holdfast.sku_find('other', 'secret', 10, 100)",
    ),
    (
        "sku_put",
        "select holdfast.sku_put('other', 'SECRET', 'Renamed', '{}', 7)",
    ),
    (
        "stock_adjust",
        "select holdfast.stock_adjust('other', 'SECRET', 7, null, 'adjusted', 'clerk', null)",
    ),
    (
        "stock_receive",
        "select holdfast.stock_receive('other', 'SECRET', 7, null, 'clerk', null, null,
            '{movement}')",
    ),
    (
        "stock_set",
        "select holdfast.stock_set('other', 'SECRET', 7, null, 'clerk', null, null, '{movement}')",
    ),
    (
        "stock_shrink",
        "call holdfast.stock_shrink('other', 'SECRET', 1, null, 'clerk', null, null, '{movement}',
            false)",
    ),
    (
        "stock_shrink_reclaim",
        "select holdfast.stock_shrink_reclaim('other', 'SECRET', null)",
    ),
    (
        "subscriber_claim",
        "select holdfast.subscriber_claim('other', 10)",
    ),
    (
        "subscriber_enable",
        "select holdfast.subscriber_enable('other', 'secret', '2026-01-01 00:00:00+00')",
    ),
    (
        "subscriber_mark",
        "select holdfast.subscriber_mark('other', 'secret', '{stock.back}', '{SECRET@1}', '{gone}',
            '{null}')",
    ),
    (
        "subscriber_put",
        "select holdfast.subscriber_put('other', 'crm', 'https://crm.example', null)",
    ),
    (
        "subscriber_test",
        "select holdfast.subscriber_test('other', 'secret', '{checkout}', 'clerk')",
    ),
    (
        "sweep_expire",
        "select holdfast.sweep_expire('other', 100, '{}')",
    ),
];

/// The arguments of every other routine, by the name of the parameter. A parameter that begins with
/// `p_after` is null.
const ARGUMENTS: [(&str, &str); 16] = [
    ("p_shop", "'other'"),
    ("p_sku", "'SECRET'"),
    ("p_skus", "'{SECRET}'"),
    ("p_code", "'SECRET'"),
    ("p_name", "'secret'"),
    ("p_checkout_id", "'{checkout}'"),
    ("p_import_id", "'{checkout}'"),
    ("p_order_id", "'{order}'"),
    ("p_reference", "'{reference}'"),
    ("p_gateway", "'stripe'"),
    ("p_actor", "'clerk'"),
    ("p_limit", "10"),
    ("p_scan", "100"),
    ("p_customer", "null"),
    ("p_status", "null"),
    ("p_outcome", "null"),
];

/// The call of a function by its parameters.
pub(super) fn foreign_call(routine: &str, parameters: &[String]) -> String {
    let arguments: Vec<&str> = parameters
        .iter()
        .map(|parameter| {
            let named = ARGUMENTS.iter().find(|(name, _)| name == parameter);
            match named {
                Some((_, argument)) => argument,
                None if parameter.starts_with("p_after") => "null",
                None => panic!("{routine}: FOREIGN_CALLS needs its call, for {parameter}"),
            }
        })
        .collect();
    format!("select holdfast.{routine}({})", arguments.join(", "))
}
