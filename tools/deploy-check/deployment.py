"""The stack: its secrets, and its deployments with sam."""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent / "aws-check"))

import leftovers  # noqa: E402

STACK = "holdfast"
ROLES = ("checkout", "payments", "sweeper", "admin")
SHOP = "dress"
DEPLOY_TIMEOUT_S = 600


class Failed(Exception):
    """A check failed."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def until(what, check, timeout_s):
    """Waits until a check passes."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = check()
        if result:
            return result
        expect(time.monotonic() < deadline, f"not within {timeout_s} s: {what}")
        time.sleep(1)


class Deployment:
    def __init__(self, emulator, folder, sam):
        self.emulator, self.folder, self.sam = emulator, folder, sam
        self.cloudformation = emulator.client("cloudformation")
        self.gateway_secret = "gateway-" + secrets.token_hex(16)
        self.gateway_key = "key-" + secrets.token_hex(16)
        self.passwords = {role: secrets.token_hex(16) for role in (*ROLES, "master")}
        self.parameters, self.outputs = {}, {}

    # Preparations by a person

    def create_secrets(self):
        """Before the first deployment. The migrating role's secret has the shape of RDS's own; the
        others have a name and a password."""
        master = os.environ["HOLDFAST_DATABASE_MASTER"]
        self.as_superuser(f"alter role {master} password '{self.passwords['master']}'")
        port, name = os.environ["HOLDFAST_DATABASE_PORT"], os.environ["HOLDFAST_DATABASE_NAME"]
        login = {"username": master, "password": self.passwords["master"]}
        rds = {"engine": "postgres", "host": "localhost", "port": int(port), "dbname": name}
        self.wrong_secret = self.secret("wrong", {**login, **rds, "password": "not-the-password"})
        gateways = {SHOP: {"cashfree": [self.gateway_secret]}}
        # Nothing listens there: a call that fails shows that the function has read the account.
        razorpay = {"base_url": "http://127.0.0.1:9", "key_id": "k",
                    "key_secret": self.gateway_key, "live": False}
        accounts = {SHOP: {"razorpay": razorpay}}
        self.parameters = {
            "Architecture": "x86_64",
            "Shops": SHOP,
            "WebhookSecretsArn": self.secret("webhooks", gateways),
            "GatewaysSecretArn": self.secret("gateways", accounts),
            "DatabaseHost": "localhost",
            "DatabasePort": port,
            "DatabaseName": name,
            "DatabaseCaFile": str(self.folder / "certificates" / "authority.pem"),
            "MigrateDatabaseSecretArn": self.secret("migrate", {**login, **rds}),
            # Few, because the emulator starts a process for each.
            "CheckoutConcurrency": "4",
            "AdminConcurrency": "4",
            "ConsoleConcurrency": "4",
            "WebhookConcurrency": "4",
        }
        for role in ROLES:
            login = {"username": f"holdfast_{role}", "password": self.passwords[role]}
            self.parameters[f"{role.title()}DatabaseSecretArn"] = self.secret(role, login)

    def secret(self, name, value):
        made = self.emulator.client("secretsmanager").create_secret(
            Name=f"holdfast/{name}", SecretString=json.dumps(value))
        return made["ARN"]

    def change_secret(self, name, **changes):
        keeper = self.emulator.client("secretsmanager")
        value = json.loads(keeper.get_secret_value(SecretId=f"holdfast/{name}")["SecretString"])
        keeper.put_secret_value(
            SecretId=f"holdfast/{name}", SecretString=json.dumps({**value, **changes}))

    def let_roles_log_in(self):
        """The migrations created the roles. A person sets the passwords of the secrets."""
        for role in ROLES:
            self.as_superuser(f"alter role holdfast_{role} password '{self.passwords[role]}'")

    @staticmethod
    def as_superuser(sql, *values):
        with psycopg.connect(os.environ["HOLDFAST_DATABASE_SUPERUSER"], autocommit=True) as session:
            cursor = session.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    # Deployments

    def run_sam(self, stack, parameters):
        overrides = [f"{name}={value}" for name, value in {**self.parameters, **parameters}.items()]
        log = self.folder / f"sam-deploy-{stack}.log"
        with log.open("a") as out:
            done = subprocess.run(
                [self.sam, "deploy", "--template", str(self.folder / "build/template.yaml"),
                 "--stack-name", stack, "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
                 "--no-confirm-changeset", "--no-progressbar", "--region", "eu-west-1",
                 "--parameter-overrides", *overrides],
                env={**os.environ, **self.emulator.environment()}, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                timeout=DEPLOY_TIMEOUT_S)
        return done.returncode, log

    def deploy(self, **parameters):
        self.parameters.update(parameters)
        code, log = self.run_sam(STACK, {})
        expect(code == 0, f"sam deploy failed: see {log}")
        self.outputs = {
            output["OutputKey"]: output["OutputValue"] for output in self.stack()["Outputs"]}
        print(f"    deployed: {self.outputs['ApiUrl']}, {self.outputs['WebhookUrl']}")

    def refuses(self, because, **parameters):
        code, log = self.run_sam("holdfast-refused", parameters)
        expect(code != 0, f"a deployment was not refused: {parameters}")
        expect(because in log.read_text(), f"the refusal does not name {because}: see {log}")
        print(f"    refused by a rule: no {because}")

    def stops(self, stack, **parameters):
        """A first deployment whose migration fails creates no function."""
        code, log = self.run_sam(stack, parameters)
        expect(code != 0, f"a deployment went on after a failed migration: see {log}")
        self.failed_for_migration(stack)
        names = {f["FunctionName"] for f in self.functions(stack)}
        expect(f"{stack}-checkout" not in names, f"{stack}-checkout exists")
        print("    stopped: a first deployment whose migration failed")

    def stops_update(self):
        """A release of new code whose migration cannot log in changes nothing."""
        before = self.configuration("checkout")
        for function in ("MigrateFunction", "CheckoutFunction"):
            with (self.folder / "build" / function / "bootstrap").open("ab") as binary:
                binary.write(b"another release")
        self.change_secret("migrate", password="not-the-password")
        code, log = self.run_sam(STACK, {})
        expect(code != 0, f"a release went on after a failed migration: see {log}")
        self.failed_for_migration(STACK)
        status = self.stack()["StackStatus"]
        expect(status == "UPDATE_ROLLBACK_COMPLETE", f"after a bad release the stack is {status}")
        expect(self.configuration("checkout") == before, "a bad release changed a function")
        print("    stopped and rolled back: a release whose migration failed")

    def failed_for_migration(self, stack):
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events
                   if event["LogicalResourceId"] == "Migration"]
        told = [reason for reason in reasons if "not migrated: " in reason]
        expect(told, f"no event of {stack} says why the migration failed: {reasons}")
        expect(not any("not-the-password" in reason for reason in told), "an event has a password")

    def delete(self):
        self.cloudformation.delete_stack(StackName=STACK)
        until("the stack is deleted", self.is_deleted, 120)
        print("    deleted")

    def leaves_only_its_queues(self):
        """With the code that looks for leftovers in an account (tools/aws-check)."""
        found = leftovers.find(self.emulator, STACK, (leftovers.queues, leftovers.functions))
        expect(found["functions"] == {}, f"functions are left: {list(found['functions'])}")
        expect(len(found["queues"]) == 6, f"six queues are left, not {list(found['queues'])}")
        stays = leftovers.remove(found)
        expect(stays == {}, f"leftovers stay: {stays}")
        print("    left over: the six queues, now deleted")

    def is_deleted(self):
        found = self.cloudformation.list_stacks(StackStatusFilter=["DELETE_FAILED"])
        names = [stack["StackName"] for stack in found["StackSummaries"]]
        expect(STACK not in names, "the stack could not be deleted")
        found = self.cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
        return STACK in [stack["StackName"] for stack in found["StackSummaries"]]

    # What is deployed

    def stack(self):
        return self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]

    def functions(self, stack=STACK):
        found = self.emulator.client("lambda").list_functions()["Functions"]
        return [f for f in found if f["FunctionName"].startswith(stack + "-")]

    def configuration(self, function):
        """The version that callers get, behind the alias."""
        found = self.emulator.client("lambda").get_function_configuration(
            FunctionName=f"{STACK}-{function}", Qualifier="live")
        return found["Version"], found["CodeSha256"], found["Environment"]["Variables"]

    def has_no_secret_in_an_environment(self):
        secrets = [self.gateway_secret, self.gateway_key, *self.passwords.values()]
        functions = self.functions()
        expect(len(functions) == 6, f"six functions, not {len(functions)}")
        for function in functions:
            variables = json.dumps(function["Environment"]["Variables"])
            found = any(secret in variables for secret in secrets)
            expect(not found, f"{function['FunctionName']} has a secret in its environment")
