"""Cashfree's webhooks, versions 2025-01-01 and 2023-08-01: bodies as its documentation shows them."""

import base64
import datetime
import hashlib
import hmac
import json
import re

from cashfree_pg.api_client import Cashfree

import cases

DISTRIBUTION = "cashfree-pg"
SECRET = "cfsk_ma_test_3f0c9a7be51d42f6_8b1e"
VERSIONS = ("2025-01-01", "2023-08-01")
INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))


def rupees(minor):
    """A number with its two digits, which json would drop: Cashfree signs 170.00."""
    return f"@{minor // 100}.{minor % 100:02}@"


def dump(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return re.sub(r'"@([0-9.]+)@"', r"\1", text)


def local(after=0):
    at = cases.PAID_AT + datetime.timedelta(seconds=after)
    return at.astimezone(INDIA).isoformat()


def envelope(type_, data, after=4):
    return dump({"data": data, "event_time": local(after), "type": type_})


def order(amount=cases.AMOUNT_MINOR, currency="INR"):
    return {
        "order_id": cases.REFERENCE,
        "order_amount": rupees(amount),
        "order_currency": currency,
        "order_tags": {"shop": "dress"},
    }


def customer():
    return {
        "customer_name": cases.NAME,
        "customer_id": "shopper-1041",
        "customer_email": cases.EMAIL,
        "customer_phone": "9900000001",
    }


def payment(status, message, amount=cases.AMOUNT_MINOR, **more):
    return {
        "cf_payment_id": "1453002795",
        "payment_status": status,
        "payment_amount": rupees(amount),
        "payment_currency": "INR",
        "payment_message": message,
        "payment_time": local(),
        "bank_reference": "234928698581",
        "auth_id": None,
        "payment_method": {"upi": {"channel": None, "upi_id": "meera@examplebank"}},
        "payment_group": "upi",
        "international_payment": {"international": False},
        "payment_surcharge": None,
    } | more


def gateway_details():
    return {
        "gateway_name": "CASHFREE",
        "gateway_order_id": "1634766330",
        "gateway_payment_id": "1453002795",
        "gateway_order_reference_id": None,
        "gateway_settlement": "CASHFREE",
        "gateway_status_code": None,
    }


def success(status="SUCCESS", paid=cases.AMOUNT_MINOR, offers=None, **of_order):
    return {
        "order": order(**of_order),
        "payment": payment(status, "00::Transaction success", paid),
        "customer_details": customer(),
        "payment_gateway_details": gateway_details(),
        "payment_offers": offers,
    }


def numbered():
    data = success()
    data["payment"]["cf_payment_id"] = int(data["payment"]["cf_payment_id"])
    return data


def discounted():
    offer = {
        "offer_id": "0f05e1d0-fbf8-4c9c-a1f0-814c7b2abdba",
        "offer_type": "DISCOUNT",
        "offer_meta": {
            "offer_title": "1,000 off on UPI",
            "offer_description": "1,000 rupees off",
            "offer_code": "UPI1000",
            "offer_start_time": "2026-11-09T06:23:25.972Z",
            "offer_end_time": "2027-02-27T18:30:00Z",
        },
        "offer_redemption": {
            "redemption_status": "SUCCESS",
            "discount_amount": 1000,
            "cashback_amount": 0,
        },
    }
    return success(paid=cases.AMOUNT_MINOR - 100000, offers=[offer])


def failed():
    return {
        "order": order(),
        "payment": payment(
            "FAILED",
            "Your transaction has failed.",
            cf_payment_id="1453002791",
            bank_reference="NA",
            auth_id="null",
            payment_method={
                "netbanking": {
                    "channel": None,
                    "netbanking_bank_code": "3054",
                    "netbanking_bank_name": "Example Bank",
                }
            },
            payment_group="net_banking",
        ),
        "customer_details": customer() | {"customer_name": None, "customer_id": None},
        "error_details": {
            "error_code": "TRANSACTION_DECLINED",
            "error_description": "issuer bank or payment service provider declined the transaction",
            "error_reason": "auth_declined",
            "error_source": "customer",
            "error_subcode_raw": "Z9",
        },
        "payment_gateway_details": gateway_details(),
        "payment_offers": None,
    }


def dropped():
    attempt = payment(
        "USER_DROPPED", "User dropped and did not complete the two factor authentication"
    )
    return {
        "order": order(),
        "payment": attempt | {"cf_payment_id": "1453002793", "bank_reference": None},
        "customer_details": customer(),
    }


def refund(status, description, amount=cases.AMOUNT_MINOR, refund_id="dress-refund-7c1e"):
    done = status == "SUCCESS"
    return {
        "refund": {
            # numbers here; cf_payment_id is a string in payments
            "cf_refund_id": 11325632,
            "cf_payment_id": 1453002795,
            "refund_id": refund_id,
            "order_id": cases.REFERENCE,
            "refund_amount": rupees(amount),
            "refund_currency": "INR",
            "entity": "Refund",
            "refund_type": "MERCHANT_INITIATED",
            "refund_arn": "205907014017" if done else None,
            "refund_status": status,
            "status_description": description,
            "created_at": local(3600),
            "processed_at": local(7200) if done else None,
            "refund_note": "sold out when the money came",
            "refund_splits": [],
            "metadata": None,
            "requested_speed": "STANDARD",
            "processed_speed": "STANDARD" if done else None,
            "service_charge": rupees(0),
            "service_tax": rupees(0),
            "forex_conversion_handling_charge": None,
            "forex_conversion_handling_tax": None,
            "forex_conversion_rate": None,
            "charges_currency": None,
        }
    }


def older(data):
    """The same as version 2023-08-01 has it."""
    if "payment" in data:
        del data["payment"]["international_payment"], data["payment"]["payment_surcharge"]
    if "refund" in data:
        speeds = ("requested_speed", "processed_speed", "service_charge", "service_tax")
        newer = [key for key in data["refund"] if key in speeds or "forex" in key]
        for key in [*newer, "charges_currency"]:
            del data["refund"][key]
        data["refund"] |= {"refund_charge": 0, "refund_mode": "STANDARD"}
    return data


def auto_refund():
    """Of a second payment of one order; what was never an order's has no order_id."""
    return {
        "auto_refund": {
            "event": "AUTO-REFUND",
            "cf_refund_id": 1243460973,
            "cf_payment_id": "1453002799",
            "bank_reference": "234928698599",
            "order_id": cases.REFERENCE,
            "refund_amount": rupees(cases.AMOUNT_MINOR),
            "refund_currency": "INR",
            "refund_type": "PAYMENT_AUTO_REFUND",
            "refund_arn": "205907014099",
            "refund_status": "SUCCESS",
            "status_description": "Auto-Refund processed successfully",
            "refund_reason": "Multiple payments were performed against same order.",
            "created_at": local(600),
            "processed_at": None,
            "refund_charge": 0,
            "refund_splits": None,
            "metadata": None,
        }
    }


def auto_refund_without_order():
    data = auto_refund()
    del data["auto_refund"]["order_id"]
    return data


def dispute(status, remarks, resolved_at=None):
    data = {
        "dispute": {
            "dispute_id": "433475257",
            "dispute_type": "CHARGEBACK",
            "reason_code": "13.1",
            "reason_description": "Merchandise / Services Not Received",
            "dispute_amount": rupees(cases.AMOUNT_MINOR),
            "created_at": local(86400),
            "updated_at": local(86400),
            "respond_by": local(864000),
            "dispute_status": status,
            "cf_dispute_remarks": remarks,
            "dispute_action_on": "MERCHANT",
        },
        "order_details": {
            "order_id": cases.REFERENCE,
            "order_amount": rupees(cases.AMOUNT_MINOR),
            "order_currency": "INR",
            "cf_payment_id": 1453002795,
            "payment_amount": rupees(cases.AMOUNT_MINOR),
            "payment_currency": "INR",
        },
        "customer_details": {
            "customer_name": cases.NAME,
            "customer_phone": "9900000001",
            "customer_email": cases.EMAIL,
        },
    }
    if resolved_at:
        data["dispute"]["resolved_at"] = resolved_at
    return data


def settlement():
    return {
        "settlement": {
            "settlement_id": 12763,
            "status": "SUCCESS",
            "utr": "AXISCN0123456789",
            "amount_settled": rupees(cases.AMOUNT_MINOR - 250000),
            "payment_amount": rupees(cases.AMOUNT_MINOR),
            "service_charge": rupees(211864),
            "service_tax": rupees(38136),
            "adjustment": 0,
            "settlement_amount": rupees(cases.AMOUNT_MINOR - 250000),
            "payment_from": local(),
            "payment_till": local(86400),
            "initiated_on": local(90000),
            "settled_on": local(93600),
            "reason": None,
            "settlement_type": "STANDARD",
            "remarks": "",
        }
    }


def bodies():
    """(name, what it is, type, data, documented)."""
    done, late = "Refund processed successfully", "Refund is on hold"
    paid, refunded = "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK"
    back = "AUTO_REFUND_STATUS_WEBHOOK"
    short = {"amount": cases.AMOUNT_MINOR - 100}
    opened = dispute("CHARGEBACK_CREATED", "Dispute is created, please take action")
    lost = dispute("CHARGEBACK_MERCHANT_LOST", "Dispute is lost", local(864000))
    part = refund("SUCCESS", done, cases.PART_MINOR, "dress-refund-9d02")
    return [
        ("paid", "a payment in full", paid, success(), True),
        ("paid_number_as_id", "as versions before these have it", paid, numbered(), False),
        ("paid_pending", "PENDING inside a success type: not paid", paid, success("PENDING"), True),
        ("paid_with_offer", "order_amount is ours, the buyer paid less", paid, discounted(), True),
        ("paid_other_amount", "a rupee short", paid, success(**short), True),
        ("paid_other_currency", "in dollars", paid, success(currency="USD"), True),
        ("failed", "an attempt that failed", "PAYMENT_FAILED_WEBHOOK", failed(), True),
        ("dropped", "the buyer went away", "PAYMENT_USER_DROPPED_WEBHOOK", dropped(), True),
        ("refund_success", "all of it is back", refunded, refund("SUCCESS", done), True),
        ("refund_success_part", "a part of it is back", refunded, part, True),
        ("refund_pending", "on its way", refunded, refund("PENDING", "In progress"), True),
        ("refund_cancelled", "not made", refunded, refund("CANCELLED", "Cancelled"), True),
        ("refund_onhold", "waits for funds", refunded, refund("ONHOLD", late), True),
        ("auto_refund", "a second payment, sent back by the gateway", back, auto_refund(), True),
        (
            "auto_refund_without_order",
            "a payment that belonged to no order",
            back,
            auto_refund_without_order(),
            False,
        ),
        ("dispute_created", "a chargeback", "DISPUTE_CREATED", opened, True),
        ("dispute_closed", "and lost", "DISPUTE_CLOSED", lost, False),
        ("settlement", "known, not ours", "SETTLEMENT_SUCCESS", settlement(), False),
    ]


def all_cases():
    found = []
    for number, version in enumerate(VERSIONS):
        for place, (name, what, type_, data, documented) in enumerate(bodies()):
            headers = {
                "content-type": "application/json",
                "x-webhook-attempt": "1",
                "x-webhook-version": version,
            }
            if version == "2025-01-01":
                key = hashlib.sha256(f"{version} {name}".encode()).digest()
                headers["x-idempotency-key"] = base64.b64encode(key).decode()
            if version == "2023-08-01":
                data = older(data)
            found.append(
                cases.Case(
                    f"{version}-{name}",
                    what,
                    envelope(type_, data),
                    headers,
                    sent_at=cases.seconds(10 + 60 * place + number),
                    documented=documented,
                )
            )
    return found


def sign(case):
    timestamp = str(case.sent_at * 1000 + 733)
    digest = hmac.new(SECRET.encode(), (timestamp + case.body).encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": signature}, "verified"


def verify(body, headers, secret):
    library = Cashfree(Cashfree.SANDBOX, XClientId="id", XClientSecret=secret)
    signature, timestamp = headers["x-webhook-signature"], headers["x-webhook-timestamp"]
    library.PGVerifyWebhookSignature(signature, body, timestamp)
