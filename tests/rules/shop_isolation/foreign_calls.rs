//! Calls of one shop with the ids of another.

/// Every routine that a function may call and that takes a shop, called for `other` with the ids of
/// `main`. A new routine must be added here.
pub(super) const FOREIGN_CALLS: [(&str, &str); 65] = [
    (
        "announcement_put",
        "select holdfast.announcement_put('other', true)",
    ),
    (
        "announcement_read",
        "select holdfast.announcement_read('other')",
    ),
    (
        "checkout_begin",
        "call holdfast.checkout_begin('other', '{checkout}', 'secret-c', 1, '', null,
            '{SECRET}', '{1}')",
    ),
    (
        "checkout_extend",
        "select holdfast.checkout_extend('other', '{checkout}', null, null)",
    ),
    (
        "checkout_read",
        "select holdfast.checkout_read('other', '{checkout}', null)",
    ),
    (
        "checkout_reclaim",
        "select holdfast.checkout_reclaim('other', '{SECRET}', 'SECRET', 'secret-c')",
    ),
    (
        "checkout_release",
        "select holdfast.checkout_release('other', '{checkout}', null)",
    ),
    (
        "coupon_list",
        "select holdfast.coupon_list('other', null, 10)",
    ),
    (
        "coupon_put",
        "select holdfast.coupon_put('other', 'SECRET', 'fixed', 7, 0, null, null, 7)",
    ),
    (
        "coupon_read",
        "select holdfast.coupon_read('other', 'SECRET')",
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
        "gateway_order_read",
        "select holdfast.gateway_order_read('other', '{reference}', 'stripe')",
    ),
    (
        "history_search",
        "select holdfast.history_search('other', 'SECRET', '{checkout}', 10, 10, 100)",
    ),
    (
        "hold_list",
        "select holdfast.hold_list('other', 'SECRET', '{checkout}', null, null, null, null, null,
            null, 10, 100)",
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
        "import_report",
        "select holdfast.import_report('other', '{checkout}', null, null, null, 10)",
    ),
    (
        "import_stage",
        "select holdfast.import_stage('other', '{checkout}', 1, 'clerk', 500, '{1}', '{SECRET}',
            '{x}', '{null}', '{1}', '{null}', '{null}', '{f}', '{null}', '{f}', '{null}', '{null}',
            '{f}', '{null}', '{7}', '{null}', '{null}')",
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
        "select holdfast.order_cancel('other', '{checkout}', 'clerk')",
    ),
    (
        "order_create",
        "call holdfast.order_create('other', '{checkout}', null, '', gen_random_uuid(), 'other-1',
            'online', 'SECRET', null, null, false)",
    ),
    (
        "order_read",
        "select holdfast.order_read('other', '{checkout}', null)",
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
        "payment_parked_events",
        "select holdfast.payment_parked_events('other', 100)",
    ),
    (
        "payment_record_event",
        "call holdfast.payment_record_event('other', 'cashfree', 'key', '{reference}', 'paid',
            10000, 'INR', 'pay', '', null, null, null, null)",
    ),
    (
        "payment_redrive",
        "select holdfast.payment_redrive('other', 'cashfree', 'Paid:pay')",
    ),
    ("promises_check", "select holdfast.promises_check('other')"),
    ("refund_claim", "select holdfast.refund_claim('other', 10)"),
    (
        "refund_list",
        "select holdfast.refund_list('other', null, null, null, 10, 100)",
    ),
    (
        "refund_overview",
        "select holdfast.refund_overview('other', '{order}')",
    ),
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
        "shop_put",
        "select holdfast.shop_put('other', 'Renamed', 'INR')",
    ),
    ("shop_read", "select holdfast.shop_read('other')"),
    (
        "sku_export",
        "select holdfast.sku_export('other', null, 10)",
    ),
    ("sku_list", "select holdfast.sku_list('other', null, 10)"),
    (
        "sku_manifest",
        "select holdfast.sku_manifest('other', 'SECRET', null, null, 10)",
    ),
    (
        "sku_put",
        "select holdfast.sku_put('other', 'SECRET', 'Renamed', '{}', 7)",
    ),
    ("sku_read", "select holdfast.sku_read('other', 'SECRET')"),
    (
        "sku_retire",
        "select holdfast.sku_retire('other', 'SECRET')",
    ),
    (
        "stock_adjust",
        "select holdfast.stock_adjust('other', 'SECRET', 7, null, 'adjusted', 'clerk', null)",
    ),
    (
        "stock_availability",
        "select holdfast.stock_availability('other', '{SECRET}')",
    ),
    (
        "stock_read",
        "select holdfast.stock_read('other', 'SECRET')",
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
        "subscriber_delete",
        "select holdfast.subscriber_delete('other', 'secret')",
    ),
    (
        "subscriber_list",
        "select holdfast.subscriber_list('other')",
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
        "subscriber_read",
        "select holdfast.subscriber_read('other', 'secret')",
    ),
    (
        "sweep_expire",
        "select holdfast.sweep_expire('other', 100, '{}')",
    ),
];
