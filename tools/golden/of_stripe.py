"""Stripe's webhooks: snapshot events as its API reference shows them, in the library's version."""

import hashlib
import json

import stripe

import cases

DISTRIBUTION = "stripe"
SECRET = "whsec_7Qm2c9VtB4xK8nLr5wYz1aDf3gHj6pSe"
OLD_SECRET = "whsec_2Wn8b5RsC7yJ4mKq9vXt3eFg1hLd6zPa"
INTENT, CHARGE, SESSION = "pi_3QT7hULkdIwHu7ix1a2B3c4D", "ch_3QT7hULkdIwHu7ix1x9Y8z7W", "cs_test_a1B2"
METADATA = {"reference": cases.REFERENCE, "shop": "dress"}


def intent(status, **more):
    whole = cases.AMOUNT_MINOR
    return {
        "id": INTENT,
        "object": "payment_intent",
        "amount": whole,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": whole if status == "succeeded" else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{INTENT}_secret_invented",
        "confirmation_method": "automatic",
        "created": cases.seconds(-60),
        "currency": "inr",
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": CHARGE if status == "succeeded" else None,
        "livemode": False,
        "metadata": METADATA,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": "pm_1QT7hTLkdIwHu7ixAbCdEfGh",
        "payment_method_configuration_details": {"id": "pmc_1QInvented", "parent": None},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": cases.EMAIL,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    } | more


def declined():
    return {
        "advice_code": "try_again_later",
        "charge": CHARGE,
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": "Your card has insufficient funds.",
        "payment_method": {
            "id": "pm_1QT7hTLkdIwHu7ixAbCdEfGh",
            "object": "payment_method",
            "type": "card",
        },
        "type": "card_error",
    }


def session(status, payment_status, **more):
    whole = cases.AMOUNT_MINOR
    return {
        "id": SESSION,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": whole,
        "amount_total": whole,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://shop.example.com/cart",
        "client_reference_id": cases.REFERENCE,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": cases.seconds(-60),
        "currency": "inr",
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": {
            "address": {
                "city": None,
                "country": "IN",
                "line1": None,
                "line2": None,
                "postal_code": None,
                "state": None,
            },
            "email": cases.EMAIL,
            "name": cases.NAME,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "discounts": [],
        "expires_at": cases.seconds(1740),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": METADATA,
        "mode": "payment",
        "payment_intent": INTENT if status == "complete" else None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": status,
        "submit_type": None,
        "subscription": None,
        "success_url": "https://shop.example.com/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": None,
        "wallet_options": None,
    } | more


def refund(status, amount=cases.AMOUNT_MINOR, id_="re_3QT7hULkdIwHu7ix1r2E3f4U", **more):
    return {
        "id": id_,
        "object": "refund",
        "amount": amount,
        "balance_transaction": "txn_3QT7hULkdIwHu7ix1bAlTxN0",
        "charge": CHARGE,
        "created": cases.seconds(3600),
        "currency": "inr",
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": METADATA | {"refund_id": "dress-refund-7c1e"},
        "payment_intent": INTENT,
        "reason": "requested_by_customer",
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    } | more


def charge(refunded):
    return {
        "id": CHARGE,
        "object": "charge",
        "amount": cases.AMOUNT_MINOR,
        "amount_captured": cases.AMOUNT_MINOR,
        "amount_refunded": refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": "txn_3QT7hULkdIwHu7ix1cHaRgE0",
        "billing_details": {
            "address": {"city": None, "country": "IN", "line1": None, "line2": None,
                        "postal_code": None, "state": None},
            "email": cases.EMAIL,
            "name": cases.NAME,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "DRESS SHOP",
        "captured": True,
        "created": cases.seconds(-1),
        "currency": "inr",
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": METADATA,
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": INTENT,
        "payment_method": "pm_1QT7hTLkdIwHu7ixAbCdEfGh",
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "radar_options": {},
        "receipt_email": cases.EMAIL,
        "receipt_number": None,
        "receipt_url": "https://pay.stripe.com/receipts/invented",
        "refunded": refunded == cases.AMOUNT_MINOR,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def dispute(status):
    return {
        "id": "dp_1QUeLkdIwHu7ixDiSpUtE01",
        "object": "dispute",
        "amount": cases.AMOUNT_MINOR,
        "balance_transactions": [],
        "charge": CHARGE,
        "created": cases.seconds(86400),
        "currency": "inr",
        "enhanced_eligibility_types": [],
        "evidence": {"customer_email_address": cases.EMAIL, "customer_name": cases.NAME},
        "evidence_details": {
            "due_by": cases.seconds(864000),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": INTENT,
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "13.1"},
            "type": "card",
        },
        "reason": "product_not_received",
        "status": status,
    }


def event(name, type_, thing, after, livemode=False):
    return {
        "id": "evt_" + hashlib.sha256(name.encode()).hexdigest()[:24],
        "object": "event",
        "api_version": stripe.api_version,
        "created": cases.seconds(after),
        "data": {"object": thing},
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
    }


def case(name, what, type_, thing, after=2, livemode=False, old_secret=False):
    body = event(name, type_, thing, after, livemode)
    # Stripe signs and sends its JSON indented.
    text = json.dumps(body, indent=2, ensure_ascii=False)
    headers = {"content-type": "application/json; charset=utf-8"}
    sent_at = cases.seconds(after + 1)
    return cases.Case(name, what, text, headers, sent_at, old_secret=old_secret)


def thin():
    """Another format, which is not accepted here; its signature is good all the same."""
    body = {
        "id": "evt_test_65RInvented",
        "object": "v2.core.event",
        "type": "v2.core.account.closed",
        "livemode": False,
        "created": "2026-11-20T18:30:07.000Z",
        "related_object": {"id": "acct_invented", "type": "v2.core.account",
                           "url": "/v2/core/accounts/acct_invented"},
    }
    headers = {"content-type": "application/json; charset=utf-8"}
    what = "a thin event: to be refused clearly"
    return cases.Case("thin_event", what, json.dumps(body), headers, cases.seconds(3))


def all_cases():
    whole, part = cases.AMOUNT_MINOR, cases.PART_MINOR
    paid, asked = intent("succeeded"), "requires_payment_method"
    done, unpaid = session("complete", "paid"), session("complete", "unpaid")
    short = intent("succeeded", amount=whole - 100, amount_received=whole - 100)
    failed = {"failure_reason": "expired_or_canceled_card",
              "failure_balance_transaction": "txn_3QT7hULkdIwHu7ix1fAiLeD0"}
    first, async_ = "payment_intent.", "checkout.session.async_payment_"
    return [
        case("intent_succeeded", "paid in full", first + "succeeded", paid),
        case("intent_succeeded_other_amount", "a rupee short", first + "succeeded", short),
        case("intent_succeeded_other_currency", "in dollars", first + "succeeded",
             paid | {"currency": "usd"}),
        case("intent_succeeded_livemode", "real money where only tests are expected",
             first + "succeeded", paid | {"livemode": True}, livemode=True),
        case("intent_succeeded_two_secrets", "while the secret is being replaced: two v1",
             first + "succeeded", paid, old_secret=True),
        case("intent_succeeded_without_metadata", "another system's", first + "succeeded",
             paid | {"metadata": {}}),
        case("intent_payment_failed", "an attempt that failed", first + "payment_failed",
             intent(asked, last_payment_error=declined(), latest_charge=CHARGE)),
        case("intent_canceled", "given up", first + "canceled",
             intent("canceled", canceled_at=cases.seconds(), cancellation_reason="abandoned")),
        case("intent_processing", "not paid yet", first + "processing", intent("processing")),
        case("intent_amount_capturable_updated", "authorised, which is not paid",
             first + "amount_capturable_updated",
             intent("requires_capture", amount_capturable=whole, capture_method="manual")),
        case("session_completed_paid", "the same payment as intent_succeeded",
             "checkout.session.completed", done),
        case("session_completed_unpaid", "not paid yet", "checkout.session.completed", unpaid),
        case("session_async_payment_succeeded", "now it is", async_ + "succeeded", done, 7200),
        case("session_async_payment_failed", "it never will", async_ + "failed", unpaid, 7200),
        case("session_expired", "the buyer went away", "checkout.session.expired",
             session("expired", "unpaid"), 1740),
        case("refund_created", "on its way", "refund.created", refund("pending"), 3600),
        case("refund_updated_succeeded", "all of it is back", "refund.updated",
             refund("succeeded"), 7200),
        case("refund_updated_succeeded_part", "a part of it is back", "refund.updated",
             refund("succeeded", part, "re_3QT7hULkdIwHu7ix1pArT005"), 7200),
        case("refund_failed", "the money came back to us", "refund.failed",
             refund("failed", **failed), 172800),
        case("charge_refunded_part", "cumulative, a part", "charge.refunded", charge(part), 3601),
        case("charge_refunded", "cumulative, all of it", "charge.refunded", charge(whole), 7201),
        case("dispute_created", "a chargeback", "charge.dispute.created",
             dispute("needs_response"), 86400),
        case("dispute_closed", "and lost", "charge.dispute.closed", dispute("lost"), 864000),
        case("payout_paid", "known, not ours", "payout.paid",
             {"id": "po_1QInvented", "object": "payout", "amount": whole, "currency": "inr",
              "arrival_date": cases.seconds(172800), "status": "paid"}, 172800),
        thin(),
    ]


def sign(case_):
    """By the library's own signer."""
    make = stripe.WebhookSignature.generate_signature_header
    header = make(case_.body, SECRET, case_.sent_at)
    if case_.old_secret:
        old = make(case_.body, OLD_SECRET, case_.sent_at).split(",v1=")[1]
        # v0 is of a scheme that nobody accepts
        header = header.replace(",v1=", f",v1={old},v1=") + ",v0=" + "0" * 64
    return {"stripe-signature": header}, "signed and verified"


def verify(body, headers, secret):
    header = headers["stripe-signature"]
    if json.loads(body)["object"] == "event":
        stripe.Webhook.construct_event(body, header, secret, tolerance=None)
    else:
        stripe.WebhookSignature.verify_header(body, header, secret)
