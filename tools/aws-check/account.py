"""One AWS account in one region: clients, the created database by the Data API, signed calls."""

import json
import time

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

CALL_TIMEOUT_S = 35


class Failed(Exception):
    """A check failed, or could not be made."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def until(what, check, timeout_s, pause_s=10):
    """Asks again until the check answers. Returns its answer."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return answer
        expect(time.monotonic() < deadline, f"not within {timeout_s} s: {what}")
        time.sleep(pause_s)


class Account:
    def __init__(self, region, session=None, connections=10):
        self.region = region
        self.session = session or boto3.Session(region_name=region)
        self.clients = {}
        self.http = urllib3.PoolManager(
            maxsize=connections, retries=False, timeout=urllib3.Timeout(CALL_TIMEOUT_S))

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.session.client(service)
        return self.clients[service]

    def client_once(self, service):
        """A client that asks once: botocore repeats no request of it."""
        return self.session.client(service, config=Config(retries={"total_max_attempts": 1}))

    def number(self):
        return self.client("sts").get_caller_identity()["Account"]

    def credentials(self):
        return self.session.get_credentials().get_frozen_credentials()

    def call(self, method, url, body=None, credentials=None, headers=None):
        """Status and body. Credentials sign the call; without them it is anonymous."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **(headers or {})}
        if credentials is not None:
            request = AWSRequest(method, url, data=data, headers=headers)
            SigV4Auth(credentials, "execute-api", self.region).add_auth(request)
            headers = dict(request.headers.items())
        try:
            answer = self.http.request(method, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error
        return answer.status, answer.data


class Database:
    """The created database, as its master user."""

    def __init__(self, account, outputs):
        self.account = account
        self.api = account.client("rds-data")
        self.target = {
            "resourceArn": outputs["DatabaseClusterArn"],
            "secretArn": outputs["DatabaseMasterSecretArn"],
            "database": "holdfast",
        }

    def crash(self, kind):
        """Crashes the server, which goes away before it answers. A second try were a second crash."""
        self.run(self.account.client_once("rds-data"), f"select aurora_inject_crash('{kind}')::text")

    def sql(self, statement, **values):
        """The rows, as a list of dictionaries. Values are texts."""
        return self.run(self.api, statement, **values)

    def run(self, api, statement, **values):
        answer = api.execute_statement(
            **self.target, sql=statement, formatRecordsAs="JSON",
            parameters=[{"name": name, "value": {"stringValue": value}}
                        for name, value in values.items()])
        return json.loads(answer.get("formattedRecords") or "[]")

    def answers(self):
        """Whether it answers: after a crash it does not, for a while."""
        try:
            return self.sql("select 1 as one") == [{"one": 1}]
        except self.api.exceptions.ClientError:
            return False
