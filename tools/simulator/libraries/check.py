"""Creates, pays, fetches and refunds at the simulator with Stripe's and Razorpay's own libraries.

    check.py URL
"""

import json
import sys
import urllib.request

import razorpay
import stripe

URL = sys.argv[1]
SECRET = "check-secret"


def control(path, body):
    request = urllib.request.Request(
        f"{URL}/control/{path}",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def pay(order):
    return control(f"orders/{order}/pay", {"ending": "paid"})["payment_id"]


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")


def refused(what, kind, call):
    try:
        call()
    except kind:
        return
    sys.exit(f"{what}: not refused with {kind.__name__}")


def check_stripe():
    client = stripe.StripeClient(SECRET, base_addresses={"api": f"{URL}/stripe"})
    price = {"currency": "inr", "unit_amount": 12345, "product_data": {"name": "A dress"}}
    session = client.v1.checkout.sessions.create(
        params={
            "mode": "payment",
            "success_url": "https://shop.example/thanks",
            "client_reference_id": "main-1",
            "line_items": [{"quantity": 1, "price_data": price}],
        }
    )
    check("session", (session.status, session.payment_status), ("open", "unpaid"))
    pay(session.id)
    session = client.v1.checkout.sessions.retrieve(session.id)
    check("paid session", (session.status, session.payment_status), ("complete", "paid"))
    intent = client.v1.payment_intents.retrieve(session.payment_intent)
    check("intent", (intent.status, intent.amount_received), ("succeeded", 12345))
    asked = {"payment_intent": intent.id, "amount": 345, "metadata": {"refund_id": "r-1"}}
    key = {"idempotency_key": "r-1"}
    refund = client.v1.refunds.create(params=asked, options=key)
    again = client.v1.refunds.create(params=asked, options=key)
    check("the same key", again.id, refund.id)
    asked["amount"] = 346
    refused(
        "another body under one key",
        stripe.IdempotencyError,
        lambda: client.v1.refunds.create(params=asked, options=key),
    )
    check("refund", client.v1.refunds.retrieve(refund.id).status, "succeeded")
    of_intent = client.v1.refunds.list(params={"payment_intent": intent.id})
    check("refunds", [one.metadata["refund_id"] for one in of_intent.data], ["r-1"])
    asked = {"payment_intent": intent.id, "amount": 99999}
    refused(
        "a refund of more than was paid",
        stripe.InvalidRequestError,
        lambda: client.v1.refunds.create(params=asked),
    )
    wrong = stripe.StripeClient("sk_wrong", base_addresses={"api": f"{URL}/stripe"})
    refused(
        "a wrong key",
        stripe.AuthenticationError,
        lambda: wrong.v1.payment_intents.retrieve(intent.id),
    )


def check_razorpay():
    client = razorpay.Client(auth=("check", SECRET), base_url=f"{URL}/razorpay")
    order = client.order.create({"amount": 12345, "currency": "INR", "receipt": "main-1"})
    check("order", (order["status"], order["amount_due"]), ("created", 12345))
    payment = pay(order["id"])
    check("paid order", client.order.fetch(order["id"])["status"], "paid")
    payments = client.order.payments(order["id"])
    check("payments", [one["id"] for one in payments["items"]], [payment])
    check("payment", client.payment.fetch(payment)["status"], "captured")
    refund = client.payment.refund(payment, {"amount": 345, "receipt": "r-1"})
    check("refund", client.refund.fetch(refund["id"])["status"], "processed")
    check("receipt", refund["receipt"], "r-1")
    refused(
        "a refund of more than was paid",
        razorpay.errors.BadRequestError,
        lambda: client.payment.refund(payment, {"amount": 99999}),
    )
    wrong = razorpay.Client(auth=("check", "wrong"), base_url=f"{URL}/razorpay")
    refused(
        "a wrong key", razorpay.errors.BadRequestError, lambda: wrong.order.fetch(order["id"])
    )


check_stripe()
check_razorpay()
print("gateways: Stripe's and Razorpay's own libraries work with the simulator")
