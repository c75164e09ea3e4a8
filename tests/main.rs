//! All tests with a real PostgreSQL, a real SQS API or real function processes, in one binary: one
//! link instead of seventy. A folder says what kind of claim its files test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Rules about stock, orders and payments, tested on routines and operations.
mod rules {
    mod accept;
    mod amount;
    mod attempts;
    mod capture;
    mod checkout;
    mod cluster;
    mod combined;
    mod combined_callers;
    mod combined_races;
    mod coupon;
    mod desk;
    mod discount;
    mod dispute;
    mod early_release;
    mod event_again;
    mod gateway_client;
    mod gateway_order;
    mod gateway_round;
    mod gateway_webhooks;
    mod gateway_webhooks_cashfree;
    mod gateway_webhooks_golden;
    mod growth;
    mod import;
    mod import_changes;
    mod import_races;
    mod layers;
    mod limit;
    mod lookup;
    mod manifest;
    mod mixed;
    mod model;
    mod no_oversell;
    mod order;
    mod order_after_hold;
    mod outbox;
    mod payment;
    mod payment_sequences;
    mod payments_together;
    mod payments_together_races;
    mod payments_together_rivals;
    mod promise_laps;
    mod promise_subjects;
    mod promises;
    mod refund;
    mod refund_by_hand;
    mod refund_races;
    mod refusals;
    mod restock;
    mod rights;
    mod roles;
    mod search;
    mod shop_isolation;
    mod shown;
    mod shrinkage;
    mod shrinkage_races;
    mod smaller_cart;
    mod sold_out;
    mod stock;
    mod stock_crossings;
    mod stranger;
    mod subscriber;
    mod sweep;
    mod takeover;
}

/// The console in a real browser, from sign-in to result.
mod console {
    mod access;
    mod desk;
    mod health;
    mod sale;
    mod stock;
    mod support;
}

/// What the HTTP functions answer.
mod http {
    mod access;
    mod admin_changes;
    mod admin_reads;
    mod boundaries;
    mod checkout;
    mod console_bench;
    mod console_desk;
    mod console_pages;
    mod console_roles;
    mod console_sale;
    mod console_support;
    mod departure;
    mod desk;
    mod import;
    mod pages;
    mod paths;
    mod problems;
    mod refund;
    mod request_fields;
    mod staff_reads;
    mod strict;
    mod subscriber;
    mod webhook;
}

/// Real processes: the local stack, its queue and its failures.
mod stack {
    mod broken_promises;
    mod browsers;
    mod connections;
    mod deploy_scripts;
    mod faults;
    mod gateway_credentials;
    mod gateways;
    mod managed;
    mod migrate_command;
    mod migrate_step;
    mod origin;
    mod outbox;
    mod rehearsal;
    mod request_log;
    mod rush;
    mod secrets;
    mod stock_command;
    mod storm;
    mod subscriber;
    mod telemetry;
    mod tls;
    mod tour;
    mod webhook_queue;
}

/// What the repository promises on paper: documents, openapi.yaml, template.yaml, its own layout.
mod contract {
    mod alarms;
    mod authorities;
    mod calls;
    mod docs;
    mod events;
    mod glossary;
    mod import_cycles;
    mod migrations;
    mod openapi;
    mod ownership;
    mod release_load;
    mod releases;
    mod runbooks;
    mod supply_chain;
    mod template;
    mod template_managed;
    mod template_network;
    mod template_operation;
    mod template_routes;
    mod tidy;
    mod upgrades;
}
