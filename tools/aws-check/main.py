"""Deploys Holdfast into an AWS account, tries what no emulator shows, deletes everything, and writes a
report. README.md says more."""

import argparse
import json
import os
import re
import secrets
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

import leftovers
import plan
import preflight
import stack
import trials
from account import Account, Failed, until

RUN = {
    "preflight": preflight.run, "deploy": stack.create, "flush": trials.flush,
    "holds": trials.holds, "doors": trials.doors, "crash": trials.crash, "canary": stack.canary,
    "rush": trials.cold_rush, "rollback": stack.rollback,
}
# Without these nothing after them makes sense.
NEEDED = ("preflight", "deploy")
ENGINE_VERSION = "17.5"
DELETE_TRIES = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Check:
    """One run: what it made, and what it found out."""

    def __init__(self, account, folder, architecture, name):
        self.account, self.folder, self.architecture, self.stack = account, folder, architecture, name
        self.at_once, self.outputs, self.database, self.webhook_secret = 10, {}, None, None
        self.parameters = {
            "Architecture": architecture, "Shops": stack.SHOP, "Database": "create",
            "DatabaseEngineVersion": ENGINE_VERSION, "DatabaseStandby": "no",
            "DatabaseDeletionProtection": "no", "LogRetentionDays": "30",
        }
        self.steps = []

    def note(self, what, value):
        self.steps[-1]["notes"].append([what, value])
        print(f"    {what}: {json.dumps(value, default=str)}", flush=True)

    def resource(self, logical):
        found = self.account.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=logical)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def beside(self, again, work, pause_s=5):
        """Does `again` every few seconds while it works. Returns the work's answer."""
        over = threading.Event()
        troubles = []

        def repeat():
            while not over.wait(pause_s):
                try:
                    again()
                except (BotoCoreError, ClientError) as error:
                    troubles.append(str(error))

        helper = threading.Thread(target=repeat, daemon=True)
        helper.start()
        try:
            return work()
        finally:
            over.set()
            helper.join()
            if troubles:
                self.note("while it worked", sorted(set(troubles)))

    def identity(self, name, policy):
        """Credentials of a new role with this policy, or with none."""
        iam, sts = self.account.client("iam"), self.account.client("sts")
        trust = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": f"arn:aws:iam::{self.account.number()}:root"}}]}
        role = iam.create_role(
            Path=f"/{self.stack}/", RoleName=f"{self.stack}-{name}",
            AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        if policy:
            iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy)

        def assumed():
            try:
                return sts.assume_role(RoleArn=role["Arn"], RoleSessionName="check")["Credentials"]
            except sts.exceptions.ClientError:
                return None

        keys = until(f"the role {name} can be assumed", assumed, 60, 5)
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def step(self, name, work):
        """Returns whether it went well."""
        print(f"==> {name}", flush=True)
        entry = {"step": name, "result": "ok", "notes": []}
        self.steps.append(entry)
        began = time.monotonic()
        try:
            work(self)
        except (Failed, BotoCoreError, ClientError) as failure:
            entry["result"], entry["why"] = "failed", str(failure)
            print(f"    FAILED: {failure}", file=sys.stderr, flush=True)
        except Exception as error:
            entry["result"], entry["why"] = "could not run", f"{type(error).__name__}: {error}"
            traceback.print_exc()
        entry["seconds"] = round(time.monotonic() - began)
        return entry["result"] == "ok"


def clean_up(check):
    """Deletes the stack, then what it leaves. A stack that stays keeps nothing else from going."""
    # The check's own roles go first: AWS deletes no policy of the stack while a role has it. A role
    # that stays is found again below.
    leftovers.remove(leftovers.find(check.account, check.stack, (leftovers.roles,)))
    trouble = None
    for _ in range(DELETE_TRIES):
        try:
            check.note("the stack", stack.delete(check))
            trouble = None
            break
        except (Failed, BotoCoreError, ClientError) as failure:
            trouble = str(failure)
            check.note("the stack stays", trouble)
    found = leftovers.find(check.account, check.stack)
    check.note("left over, to be deleted",
               {kind: sorted(entries) for kind, entries in found.items() if entries})
    stays = leftovers.remove(found)
    troubles = [trouble] if trouble else []
    if stays:
        troubles.append(f"delete by hand: {json.dumps(stays)}")
    if troubles:
        raise Failed("; ".join(troubles))


def report(check, folder):
    path = folder / "report.json"
    path.write_text(json.dumps(
        {"stack": check.stack, "region": check.account.region, "steps": check.steps},
        indent=2, default=str) + "\n", encoding="utf-8")
    lines = [f"# Holdfast on AWS: {check.stack} in {check.account.region}", ""]
    for entry in check.steps:
        lines.append(f"## {entry['step']}: {entry['result']} ({entry.get('seconds', 0)} s)")
        lines += [""] + ([entry["why"], ""] if "why" in entry else [])
        for what, value in entry["notes"]:
            lines.append(f"- {what}: `{json.dumps(value, default=str)}`")
        lines.append("")
    (folder / "report.md").write_text("\n".join(lines), encoding="utf-8")
    return path.with_suffix(".md")


def arguments(words):
    parser = argparse.ArgumentParser(
        prog="tools/aws-check/run", description="Tries Holdfast in an AWS account, and deletes it.")
    parser.add_argument("--account", help="the number of the account, with 12 digits")
    parser.add_argument("--region", help="the region, such as eu-west-1")
    parser.add_argument("--confirm", metavar="ACCOUNT/REGION",
                        help="instead of the question, for a run that nobody watches")
    parser.add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    parser.add_argument("--skip", action="append", default=[], choices=[
        step.name for step in plan.STEPS if step.name not in (*NEEDED, "delete")])
    parser.add_argument("--out", type=Path, default=Path("target/aws-check"))
    parser.add_argument("--dry-run", action="store_true", help="say what it would do, and call nobody")
    return parser.parse_args(words)


def confirmed(options, ask):
    """Why it must not run, or None."""
    if not re.fullmatch(r"[0-9]{12}", options.account or ""):
        return "--account: name the account, with 12 digits"
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", options.region or ""):
        return "--region: name the region, such as eu-west-1"
    wanted = f"{options.account}/{options.region}"
    said = options.confirm if options.confirm is not None else ask(
        f"It deploys into account {options.account}, region {options.region}, and costs money.\n"
        f"To go on, type {wanted}: ")
    return None if said.strip() == wanted else f"not confirmed: {wanted} was not typed"


def listen():
    """The first signal ends the trials. One that is ignored already, as by nohup, stays so."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def ignore_signals():
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def stop(number, _):
    # Once: a second Ctrl-C does not disturb the deletion.
    ignore_signals()
    if number == signal.SIGHUP:
        # The terminal is gone: writing to it would fail, and the deletion with it.
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    raise KeyboardInterrupt(number)


def run(check, skipped):
    """Every step, then the deletion, whatever happens."""
    try:
        for step in plan.STEPS:
            if step.name in skipped or step.name not in RUN:
                continue
            if not check.step(step.name, RUN[step.name]) and step.name in NEEDED:
                break
    except KeyboardInterrupt:
        print("interrupted: now everything is deleted", file=sys.stderr, flush=True)
        check.steps[-1]["result"] = "interrupted"
    finally:
        ignore_signals()
        check.step("delete", clean_up)
    return all(entry["result"] == "ok" for entry in check.steps)


def main(words, ask=input, account_in=Account):
    options = arguments(words)
    print(plan.text(options.skip))
    if options.dry_run:
        print("Nothing was called: a dry run.")
        return 0
    refused = confirmed(options, ask)
    if refused:
        print(f"aws-check: {refused}", file=sys.stderr)
        return 2
    account = account_in(options.region, connections=120)
    number = account.number()
    if number != options.account:
        print(f"aws-check: these credentials are of account {number}, not {options.account}",
              file=sys.stderr)
        return 2
    name = f"holdfast-check-{secrets.token_hex(3)}"
    folder = (options.out / name).resolve()
    folder.mkdir(parents=True)
    listen()
    check = Check(account, folder, options.architecture, name)
    went_well = run(check, options.skip)
    print(f"the report: {report(check, folder)}")
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
