"""AWS on this machine: MiniStack with authorization on, so that it enforces roles and policies."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-west-1"
READY_TIMEOUT_S = 60
CALL_TIMEOUT_S = 60


class Emulator:
    def __init__(self, folder, authority):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "emulator.log"
        # The functions inherit the emulator's environment, so it gets nothing of ours.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            # By default it listens on all addresses.
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            # It checks signatures, policies and roles, also the functions' own.
            "AUTH": "true",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            # It fetches the token issuer's keys over TLS.
            "SSL_CERT_FILE": str(authority),
            "TMPDIR": str(folder),
            "LOG_LEVEL": "INFO",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"MiniStack did not start: see {self.log}") from None
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def environment(self):
        """An administrator's, for the commands that deploy."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION,
            aws_access_key_id="test", aws_secret_access_key="test")

    def call(self, method, url, body=None, headers=None, credentials=None):
        """Calls a URL of AWS. The emulator recognizes it by its host. Credentials sign the call."""
        parts = urlsplit(url)
        host = parts.netloc
        if ".execute-api." in host:
            # The emulator knows APIs below its own name only, and the signature covers the host.
            host = f"{host.split('.')[0]}.execute-api.localhost:{self.port}"
        headers = {"host": host, **(headers or {})}
        query = f"?{parts.query}" if parts.query else ""
        data = body.encode() if isinstance(body, str) else body
        if data is not None:
            headers.setdefault("content-type", "application/json")
        if credentials is not None:
            request = AWSRequest(method, f"http://{host}{parts.path}{query}", headers=headers, data=data)
            SigV4Auth(Credentials(*credentials), "execute-api", REGION).add_auth(request)
            headers = dict(request.headers.items())
        request = urllib.request.Request(
            self.url + parts.path + query, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
