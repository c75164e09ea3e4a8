"""Razorpay's webhooks: bodies as its documentation shows them."""

import hashlib
import hmac
import json

import razorpay

import cases

DISTRIBUTION = "razorpay"
SECRET = "rzp-webhook-secret-5d1c"
PAYMENT, ORDER, REFUND = "pay_QhTeUo1mD4xK7a", "order_QhTdZx0kW3bN9c", "rfnd_QhUaLr8sV2pY6e"


def payment(status, **more):
    captured = status in ("captured", "refunded")
    return {
        "id": PAYMENT,
        "entity": "payment",
        "amount": cases.AMOUNT_MINOR,
        "currency": "INR",
        "status": status,
        "order_id": ORDER,
        "invoice_id": None,
        "international": False,
        "method": "upi",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": captured,
        "description": "Order at the dress shop",
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": "meera@examplebank",
        "email": cases.EMAIL,
        "contact": cases.PHONE,
        "notes": {"reference": cases.REFERENCE},
        "fee": 294998 if captured else None,
        "tax": 45000 if captured else None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": {"rrn": "632512345678", "upi_transaction_id": "AXL9F3C2D1E0B4A5968"},
        "created_at": cases.seconds(-20),
        "reward": None,
        "upi": {"vpa": "meera@examplebank"},
    } | more


def order(status="paid", paid=cases.AMOUNT_MINOR):
    return {
        "id": ORDER,
        "entity": "order",
        "amount": cases.AMOUNT_MINOR,
        "amount_paid": paid,
        "amount_due": cases.AMOUNT_MINOR - paid,
        "currency": "INR",
        "receipt": cases.REFERENCE,
        "offer_id": None,
        "status": status,
        "attempts": 2,
        "notes": {"reference": cases.REFERENCE},
        "created_at": cases.seconds(-120),
    }


def refund(status, amount=cases.AMOUNT_MINOR, id_=REFUND):
    done = status == "processed"
    return {
        "id": id_,
        "entity": "refund",
        "amount": amount,
        "currency": "INR",
        "payment_id": PAYMENT,
        "notes": {"refund_id": "dress-refund-7c1e"},
        "receipt": "dress-refund-7c1e",
        "acquirer_data": {"rrn": "632598765432" if done else None},
        "created_at": cases.seconds(3600),
        "batch_id": None,
        "status": status,
        "speed_processed": "normal" if done else None,
        "speed_requested": "normal",
    }


def dispute(phase, status):
    return {
        "id": "disp_QkA1bC2dE3fG4h",
        "entity": "dispute",
        "payment_id": PAYMENT,
        "amount": cases.AMOUNT_MINOR,
        "currency": "INR",
        "amount_deducted": 0,
        "gateway_dispute_id": "D0987654321",
        "reason_code": "goods_or_services_not_received_or_partially_received",
        "reason_description": "Goods/service not received/partially received",
        "respond_by": cases.seconds(864000),
        "status": status,
        "phase": phase,
        "created_at": cases.seconds(86400),
    }


def failure(**more):
    return payment(
        "failed",
        error_code="BAD_REQUEST_ERROR",
        error_description="Payment was unsuccessful as you may not have sufficient balance.",
        error_source="customer",
        error_step="payment_authorization",
        error_reason="insufficient_funds",
        acquirer_data={"rrn": None},
        **more,
    )


def returned(amount):
    whole = amount == cases.AMOUNT_MINOR
    return payment(
        "refunded" if whole else "captured",
        amount_refunded=amount,
        refund_status="full" if whole else "partial",
    )


def case(name, what, event, after=2, documented=True, **entities):
    body = {
        "entity": "event",
        "account_id": "acc_Q0aBcDeFgHiJkL",
        "event": event,
        "contains": list(entities),
        "payload": {key: {"entity": value} for key, value in entities.items()},
        "created_at": cases.seconds(after),
    }
    unique = hashlib.sha256(name.encode()).hexdigest()[:14]
    headers = {"content-type": "application/json", "x-razorpay-event-id": unique}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return cases.Case(name, what, text, headers, cases.seconds(after + 1), documented)


def all_cases():
    part, whole = cases.PART_MINOR, cases.AMOUNT_MINOR
    paid = payment("captured")
    second = "rfnd_QhVbMs9tW3qZ7f"
    return [
        case("payment_authorized", "not paid yet", "payment.authorized",
             payment=payment("authorized")),
        case("payment_captured", "paid in full", "payment.captured", 3, payment=paid),
        case("payment_captured_without_notes", "notes is an empty list then", "payment.captured",
             payment=paid | {"notes": []}),
        case("payment_captured_other_amount", "a rupee short", "payment.captured",
             payment=payment("captured", amount=whole - 100)),
        case("payment_captured_other_currency", "in dollars", "payment.captured",
             payment=payment("captured", currency="USD")),
        case("payment_failed", "an attempt that failed", "payment.failed", payment=failure()),
        case("payment_failed_said_captured", "as a documented sample has it: still failed",
             "payment.failed", payment=failure(captured=True)),
        case("order_paid", "the same payment as payment_captured", "order.paid", 3,
             payment=paid, order=order()),
        case("refund_created", "on its way", "refund.created", 3600,
             refund=refund("pending"), payment=returned(whole)),
        case("refund_processed", "all of it is back", "refund.processed", 7200,
             refund=refund("processed"), payment=returned(whole)),
        case("refund_processed_part", "a part of it is back", "refund.processed", 7200,
             refund=refund("processed", part, second), payment=returned(part)),
        case("refund_failed", "not made", "refund.failed", 7200,
             refund=refund("failed"), payment=paid),
        case("dispute_created", "a chargeback", "payment.dispute.created", 86400,
             payment=paid, dispute=dispute("chargeback", "open")),
        case("dispute_lost", "and lost", "payment.dispute.lost", 172800,
             payment=paid, dispute=dispute("chargeback", "lost")),
        case("refund_speed_changed", "known, changes nothing", "refund.speed_changed", 3700,
             refund=refund("pending"), payment=returned(whole)),
        case("settlement_processed", "known, not ours", "settlement.processed", 90000, False,
             settlement={"id": "setl_QiB2cD3eF4gH5i", "entity": "settlement", "amount": whole,
                         "status": "processed", "fees": 294998, "tax": 45000,
                         "utr": "1568176960vxp0rj", "created_at": cases.seconds(90000)}),
    ]


def sign(case_):
    digest = hmac.new(SECRET.encode(), case_.body.encode(), hashlib.sha256).hexdigest()
    return {"x-razorpay-signature": digest}, "verified"


def verify(body, headers, secret):
    client = razorpay.Client(auth=("rzp_test_key", "unused"))
    client.utility.verify_webhook_signature(body, headers["x-razorpay-signature"], secret)
