"""How long a gateway waits for a new process of the webhook function: from the start of the process
to its first answer, when a signed webhook is in the queue.

`make bench-cold` runs it beside a local stack, whose SQS takes the messages. Lambda's own time to
place an environment and to unpack the function comes on top; it is not measured here."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SECRET = "cold-start"
BINARY = pathlib.Path(sys.argv[1]) / "holdfast-webhook"
SQS = os.environ["HOLDFAST_SQS"]
TIMEOUT_S = 10


def queue():
    body = json.dumps({"QueueName": "cold-start"}).encode()
    headers = {
        "x-amz-target": "AmazonSQS.CreateQueue",
        "content-type": "application/x-amz-json-1.0",
        "authorization": "AWS4-HMAC-SHA256 Credential=cold/20260101/us-east-1/sqs/aws4_request",
    }
    request = urllib.request.Request(SQS, body, headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.load(answer)["QueueUrl"]


def event(round_number):
    payment = {
        "cf_payment_id": str(1_000_000 + round_number),
        "payment_status": "SUCCESS",
        "payment_amount": 100.0,
        "payment_currency": "INR",
    }
    order = {"order_id": "dress-cold", "order_amount": 100.0, "order_currency": "INR"}
    body = json.dumps({
        "type": "PAYMENT_SUCCESS_WEBHOOK",
        "event_time": "2026-11-22T10:00:00+05:30",
        "data": {"order": order, "payment": payment},
    })
    timestamp = str(int(time.time() * 1000))
    signature = hmac.digest(SECRET.encode(), (timestamp + body).encode(), hashlib.sha256)
    path = "/v1/shops/dress/webhooks/cashfree"
    return json.dumps({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "x-webhook-timestamp": timestamp,
            "x-webhook-signature": base64.b64encode(signature).decode(),
            "x-webhook-version": "2025-01-01",
        },
        "requestContext": {
            "accountId": "1", "apiId": "1", "domainName": "cold", "domainPrefix": "cold",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                "userAgent": "cold",
            },
            "requestId": str(round_number), "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:10:00:00 +0000", "timeEpoch": 0,
        },
        "body": body, "isBase64Encoded": False,
    }).encode()


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """The Runtime API of one process: one event, one answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.given:
            # As Lambda does with an idle environment.
            self.server.over.wait(TIMEOUT_S)
            return
        self.server.given = True
        self.server.asked_at = time.monotonic()
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "cold")
        self.send_header("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 10_000))
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:::function:cold")
        self.send_header("content-length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self):
        answer = self.rfile.read(int(self.headers["content-length"]))
        self.server.answered_at = time.monotonic()
        self.server.answer = json.loads(answer)
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.over.set()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        # The process is killed while it asks for its next event.
        pass


def measure(queue_url, round_number):
    server = Server(("127.0.0.1", 0), RuntimeApi)
    server.event, server.given, server.over = event(round_number), False, threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "cold", "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "cold", "AWS_SECRET_ACCESS_KEY": "cold",
        "AWS_ENDPOINT_URL_SQS": SQS, "QUEUE_URL": queue_url,
        "WEBHOOK_SECRETS": json.dumps({"dress": {"cashfree": [SECRET]}}),
    }
    began = time.monotonic()
    process = subprocess.Popen([BINARY], env=environment, stdout=subprocess.DEVNULL)
    try:
        if not server.over.wait(TIMEOUT_S):
            sys.exit(f"cold: no answer in {TIMEOUT_S} s")
    finally:
        process.kill()
        process.wait()
        server.shutdown()
    if server.answer.get("statusCode") != 200:
        sys.exit(f"cold: the webhook was refused: {server.answer}")
    return (server.asked_at - began) * 1000, (server.answered_at - began) * 1000


def main():
    queue_url = queue()
    measured = [measure(queue_url, n) for n in range(ROUNDS)]
    for what, values in zip(("ready for the event", "answered, in the queue"), zip(*measured)):
        median, slowest = statistics.median(values), max(values)
        print(f"{what:<24} median {median:6.1f} ms   slowest {slowest:6.1f} ms   of {ROUNDS}")


main()
