"""Calls of the stock office, the storefront, the gateway, and callers without rights."""

import base64
import hashlib
import hmac
import json
import time
import uuid

from deployment import SHOP, Deployment, expect, until

SKU = "LEHENGA-RED-M"
UNITS = 5
# The schedule calls once a minute; the rest is for a busy machine.
SCHEDULE_TIMEOUT_S = 180
TIMEOUT_S = 90


class Purchase:
    def __init__(self, deployment, issuer):
        self.deployment, self.issuer = deployment, issuer
        self.emulator, self.outputs = deployment.emulator, deployment.outputs
        self.storefront = self.identity("storefront", self.outputs["StorefrontCallerPolicyArn"])
        self.stranger = self.identity("stranger", None)
        self.sqs = self.emulator.client("sqs")
        self.paid = 0

    def identity(self, name, policy):
        """Creates an IAM identity with this policy. Returns its keys."""
        iam = self.emulator.client("iam")
        iam.create_user(UserName=name)
        if policy:
            iam.attach_user_policy(UserName=name, PolicyArn=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def clerk(self, **claims):
        usual = {"sub": "meera", "aud": "holdfast", "scope": "holdfast:admin", "shops": SHOP}
        token = self.issuer.token(**{**usual, **claims})
        return {"authorization": f"Bearer {token}"}

    def api(self, method, path, body=None, headers=None, credentials=None):
        text = None if body is None else json.dumps(body)
        url = f"{self.outputs['ApiUrl']}/v1/{path}"
        return self.emulator.call(method, url, text, headers, credentials)

    def shop(self, method, path, body=None):
        """Calls as the storefront's server, signed by its identity."""
        status, answer = self.api(method, f"shops/{SHOP}/{path}", body, None, self.storefront)
        expect(status in (200, 201), f"{method} {path}: {status} {answer[:300]}")
        return json.loads(answer)

    def office(self, method, path, body):
        status, answer = self.api(method, f"admin/shops/{SHOP}{path}", body, self.clerk())
        expect(status in (200, 201), f"{method} {path}: {status} {answer[:300]}")

    def stock_the_shop(self):
        self.office("PUT", "", {"name": "Aarohi Wedding Wear", "currency": "INR"})
        self.office("PUT", f"/skus/{SKU}", {"title": "Lehenga, red, M", "price_minor": 1899900})
        self.office("POST", f"/stock/{SKU}/receive", {
            "quantity": UNITS, "expected_version": 0, "movement_id": str(uuid.uuid4())})
        print("    a clerk, with a token: a shop, a sku, stock")

    def nobody_else_may_call(self):
        catalogue, office = f"shops/{SHOP}/availability?skus={SKU}", f"admin/shops/{SHOP}"
        forged = self.clerk()["authorization"]
        forged = forged[:-4] + ("AAAA" if forged[-4:] != "AAAA" else "BBBB")
        refused = [
            ("the storefront's route, unsigned", catalogue, None, None, (401, 403)),
            ("…, signed by a stranger", catalogue, None, self.stranger, (403,)),
            ("the stock office without a token", office, None, None, (401,)),
            ("…, with a forged token", office, {"authorization": forged}, None, (401,)),
            ("…, for another audience", office, self.clerk(aud="other"), None, (401,)),
            ("…, without the scope", office, self.clerk(scope="openid"), None, (403,)),
            ("…, that has ended", office, self.clerk(exp=int(time.time()) - 60), None, (401,)),
            ("…, for another shop", office, self.clerk(shops="tour"), None, (404,)),
            ("…, signed by the storefront", office, None, self.storefront, (401, 403)),
            ("a path that is not routed", "shops", None, self.storefront, (403, 404)),
        ]
        for what, path, headers, credentials, wanted in refused:
            status, answer = self.api("GET", path, None, headers, credentials)
            expect(status in wanted, f"{what}: {status} {answer[:200]}")
        # Callers with rights may call the same paths.
        self.shop("GET", f"availability?skus={SKU}")
        status, _ = self.api("GET", office, None, self.clerk())
        expect(status == 200, f"the stock office with a token: {status}")
        print(f"    {len(refused)} callers without rights are refused")

    def begin(self, quantity, **more):
        checkout = str(uuid.uuid4())
        body = {"customer": "asha", "lines": [{"sku": SKU, "quantity": quantity}], **more}
        self.shop("PUT", f"checkouts/{checkout}", body)
        return checkout

    def webhook(self, order, secret):
        amount = order["total_minor"]
        body = json.dumps({
            "type": "PAYMENT_SUCCESS_WEBHOOK",
            "event_time": "2026-01-01T12:00:00+05:30",
            "data": {
                "order": {
                    "order_id": order["payment"]["reference"],
                    "order_amount": amount / 100, "order_currency": "INR"},
                "payment": {"cf_payment_id": order["order_id"], "payment_status": "SUCCESS"}},
        })
        now = str(int(time.time() * 1000))
        digest = hmac.new(secret.encode(), (now + body).encode(), hashlib.sha256).digest()
        url = f"{self.outputs['WebhookUrl']}v1/shops/{SHOP}/webhooks/cashfree"
        status, _ = self.emulator.call("POST", url, body, {
            "x-webhook-timestamp": now,
            "x-webhook-signature": base64.b64encode(digest).decode()})
        return status

    def is_paid(self):
        """Begin, order, webhook through the function URL, queue: the order is paid."""
        checkout = self.begin(1)
        order = self.shop("POST", f"checkouts/{checkout}/order", {"payment_method": "online"})
        expect(order["status"] == "awaiting_payment", f"a new order is {order['status']}")
        forged = self.webhook(order, "not-the-secret")
        expect(forged == 401, f"a forged webhook is answered {forged}")
        for _ in range(2):
            status = self.webhook(order, self.deployment.gateway_secret)
            expect(status == 200, f"a webhook is answered {status}")
        read = lambda: self.shop("GET", f"checkouts/{checkout}/order")["status"] == "paid"
        until("the order is paid", read, TIMEOUT_S)
        self.paid += 1
        self.has_left(UNITS - self.paid)
        print("    begin, order, webhook (twice), queue: paid, once")

    def gateway_is_asked(self):
        """The checkout function can read the secret with the accounts: it calls the gateway at which
        the shop has an account, which is down, and refuses another gateway."""
        checkout = self.begin(1)
        for gateway, wanted in (("stripe", 400), ("razorpay", 503)):
            body = {"payment_method": "online", "payment_gateway": gateway}
            path = f"shops/{SHOP}/checkouts/{checkout}/order"
            status, answer = self.api("POST", path, body, None, self.storefront)
            expect(status == wanted, f"an order to pay at {gateway}: {status} {answer[:300]}")
            code = json.loads(answer)["code"]
            expect(wanted == 400 or code == "gateway_unavailable", f"another refusal: {code}")
        print("    checkout reads the gateways' accounts from their secret")

    def has_left(self, on_hand):
        rows = Deployment.as_superuser(
            "select on_hand from holdfast.stock_levels where shop = %s and sku = %s", SHOP, SKU)
        expect(rows == [(on_hand,)], f"{on_hand} on hand, not {rows}")

    def due_hold_is_begun(self):
        self.due = self.begin(1, hold_s=1)

    def due_hold_is_expired_by_the_schedule(self):
        """Reads the table, because the API treats due holds as expired by itself."""
        query = "select status from holdfast.holds where shop = %s and checkout_id = %s"
        expired = lambda: Deployment.as_superuser(query, SHOP, self.due) == [("expired",)]
        until("the schedule expires a due hold", expired, SCHEDULE_TIMEOUT_S)
        print("    a due hold: expired by the schedule")

    def broken_message_is_sent(self):
        self.sqs.send_message(
            QueueUrl=self.outputs["PaymentEventsQueueUrl"], MessageBody="not an event")

    def broken_message_is_put_aside(self):
        queue = self.outputs["PaymentEventsDeadLetterQueueUrl"]
        receive = lambda: self.sqs.receive_message(QueueUrl=queue).get("Messages")
        messages = until("the broken message is in the dead-letter queue", receive, TIMEOUT_S)
        expect(messages[0]["Body"] == "not an event", f"another message: {messages}")
        print("    a broken message: in the dead-letter queue")

    def data_is_still_there(self):
        rows = Deployment.as_superuser("select count(*) from holdfast.orders where status = 'paid'")
        expect(rows == [(self.paid,)], f"{self.paid} paid orders, not {rows}")
        broken = Deployment.as_superuser("select promise from holdfast.promises_check(null)")
        expect(broken == [], f"promises are broken: {broken}")
        print("    the stack is deleted, the orders are still there, every promise holds")
