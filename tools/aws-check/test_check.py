"""Tests of the check against answers as AWS documents them, without an account.

    .tools/venv-lint/bin/python -m unittest discover --start-directory tools/aws-check

botocore's Stubber checks each request and each answer against the services' models.
"""

import contextlib
import io
import json
import signal
import sys
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import boto3
from botocore.stub import ANY, Stubber

import crowd
import leftovers
import main
import plan
import preflight
import stack
import trials
from account import Account, Database, Failed

REGION = "eu-west-1"
ACCOUNT = "123456789012"
CLUSTER = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:holdfast-check-x-databasecluster-1"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-1"
# One for all: it reads the services' models.
SESSION = boto3.Session(
    region_name=REGION, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret")
OUTPUTS = {"DatabaseClusterArn": CLUSTER, "DatabaseMasterSecretArn": SECRET}


class Recorded(Account):
    """An account with recorded answers: [(service, operation, request or None, answer)]."""

    def __init__(self, *answers, region=REGION, connections=1):
        super().__init__(region, SESSION)
        self.stubs = {}
        for service, operation, request, answer in answers:
            if service not in self.stubs:
                self.stubs[service] = Stubber(self.client(service))
                self.stubs[service].activate()
            if isinstance(answer, str):
                self.stubs[service].add_client_error(operation, answer)
            else:
                self.stubs[service].add_response(operation, answer, request)

    def all_asked(self):
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


def rows(*found):
    return {"formattedRecords": json.dumps(found)}


def quiet(work, *arguments, **named):
    """Its answer, and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        return work(*arguments, **named), out.getvalue()


def described(status):
    return ("cloudformation", "describe_stacks", None, {"Stacks": [{
        "StackName": "holdfast-check-x", "StackId": "id", "StackStatus": status,
        "CreationTime": "2026-01-01"}]})


def check_of(account):
    check = main.Check(account, Path(tempfile.mkdtemp()), "arm64", "holdfast-check-x")
    check.outputs = dict(OUTPUTS)
    check.database = Database(account, OUTPUTS)
    check.steps.append({"step": "test", "notes": []})
    return check


class Confirmation(unittest.TestCase):
    def refused(self, words, said=""):
        never = mock.Mock(side_effect=AssertionError("it called AWS"))
        code, told = quiet(main.main, words, ask=lambda _: said, account_in=never)
        self.assertEqual(code, 2)
        return told

    def test_a_dry_run_calls_nobody_and_says_what_it_costs(self):
        never = mock.Mock(side_effect=AssertionError("it called AWS"))
        code, told = quiet(main.main, ["--dry-run", "--skip", "crash"], account_in=never)
        self.assertEqual(code, 0)
        self.assertIn("USD  together", told)
        self.assertIn("(skipped)", told)
        for step in plan.STEPS:
            self.assertIn(step.name, told)

    def test_it_does_not_run_without_account_and_region(self):
        self.assertIn("--account", self.refused(["--region", REGION]))
        self.assertIn("--region", self.refused(["--account", ACCOUNT]))
        self.assertIn("--account", self.refused(["--account", "12", "--region", REGION]))

    def test_it_does_not_run_without_the_typed_confirmation(self):
        words = ["--account", ACCOUNT, "--region", REGION]
        for said in ("", "yes", f"{ACCOUNT}/us-east-1"):
            self.assertIn("not confirmed", self.refused(words, said))
        told = self.refused([*words, "--confirm", "yes"], f"{ACCOUNT}/{REGION}")
        self.assertIn("not confirmed", told)

    def test_it_does_not_run_in_another_account(self):
        other = Recorded(("sts", "get_caller_identity", {}, {"Account": "210987654321"}))
        words = ["--account", ACCOUNT, "--region", REGION, "--confirm", f"{ACCOUNT}/{REGION}"]
        code, told = quiet(main.main, words, account_in=lambda *_, **__: other)
        self.assertEqual(code, 2)
        self.assertIn("210987654321", told)
        other.all_asked()

    def test_each_step_of_the_plan_has_its_work(self):
        self.assertEqual([step.name for step in plan.STEPS], [*main.RUN, "delete"])


class Deletion(unittest.TestCase):
    def run_with(self, **work):
        done = []
        usual = {name: lambda _, name=name: done.append(name) for name in main.RUN}
        with mock.patch.dict(main.RUN, {**usual, **work}), \
                mock.patch.object(main, "clean_up", lambda _: done.append("delete")), \
                mock.patch.object(main, "ignore_signals", lambda: done.append("deaf")):
            check = main.Check(Recorded(), Path(tempfile.mkdtemp()), "arm64", "holdfast-check-x")
            went_well, _ = quiet(main.run, check, ["crash"])
        self.assertEqual(done[-2:], ["deaf", "delete"])
        done.remove("deaf")
        return went_well, done, check

    def test_every_step_runs_and_everything_is_deleted(self):
        went_well, done, _ = self.run_with()
        self.assertTrue(went_well)
        self.assertEqual(done, [name for name in [*main.RUN, "delete"] if name != "crash"])

    def test_a_failed_deployment_ends_the_run_and_is_deleted(self):
        def fails(_):
            raise Failed("no quota")

        went_well, done, check = self.run_with(deploy=fails)
        self.assertFalse(went_well)
        self.assertEqual(done, ["preflight", "delete"])
        self.assertEqual(check.steps[1]["why"], "no quota")

    def test_a_failed_trial_does_not_end_the_run(self):
        def fails(_):
            raise ValueError("what?")

        went_well, done, check = self.run_with(flush=fails)
        self.assertFalse(went_well)
        self.assertIn("rollback", done)
        self.assertEqual(done[-1], "delete")
        self.assertIn("ValueError", check.steps[2]["why"])

    def test_an_interruption_deletes_everything(self):
        def interrupted(_):
            raise KeyboardInterrupt

        went_well, done, check = self.run_with(holds=interrupted)
        self.assertFalse(went_well)
        self.assertEqual(done, ["preflight", "deploy", "flush", "delete"])
        self.assertEqual(check.steps[-2]["result"], "interrupted")

    def test_the_report_has_every_step_and_every_reason(self):
        check = check_of(Recorded())
        check.steps = [{"step": "flush", "result": "failed", "why": "no message", "seconds": 3,
                        "notes": [["server", "15"]]}]
        path = main.report(check, check.folder)
        text = path.read_text()
        for part in ("flush: failed", "no message", "server"):
            self.assertIn(part, text)
        self.assertEqual(json.loads((check.folder / "report.json").read_text())["region"], REGION)

    def test_a_stack_that_was_never_made_needs_no_deletion(self):
        account = Recorded(("cloudformation", "describe_stacks", None, "ValidationError"))
        error = account.client("cloudformation").exceptions.ClientError
        with mock.patch.object(stack, "describe", side_effect=error(
                {"Error": {"Message": "Stack with id x does not exist"}}, "DescribeStacks")):
            self.assertEqual(stack.delete(check_of(account)), "never made")

    def cleaned(self, *outcomes):
        """What is removed although the stack's deletions end like this; and what is raised."""
        check = check_of(Recorded())
        done, outcomes = [], list(outcomes)

        def find(account, name, kinds=leftovers.KINDS):
            return {kind.__name__: {name: None} for kind in kinds}

        def remove(found):
            done.append(list(found))
            return {}

        def delete(_):
            done.append("the stack")
            outcome = outcomes.pop(0)
            if isinstance(outcome, Failed):
                raise outcome
            return outcome

        with mock.patch.object(stack, "delete", delete), \
                mock.patch.object(leftovers, "find", find), \
                mock.patch.object(leftovers, "remove", remove):
            try:
                quiet(main.clean_up, check)
            finally:
                # The roles have policies of the stack: they go first.
                self.assertEqual(done, [
                    ["roles"], "the stack", "the stack", [kind.__name__ for kind in leftovers.KINDS]])

    def test_a_deletion_is_tried_again_and_what_is_left_over_goes_in_any_case(self):
        self.cleaned(Failed("not within 2400 s"), "DELETE_COMPLETE")
        with self.assertRaisesRegex(Failed, "DELETE_FAILED"):
            self.cleaned(Failed("slow"), Failed("the stack is DELETE_FAILED"))

    def test_a_signal_ends_the_trials_and_the_next_ones_do_nothing(self):
        before = {number: signal.getsignal(number) for number in main.SIGNALS}
        try:
            for number in main.SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            main.listen()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                with self.assertRaises(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGHUP)
                sys.stdout.close()
            for number in main.SIGNALS:
                signal.raise_signal(number)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def test_a_stack_that_cannot_be_deleted_is_named(self):
        account = Recorded(
            described("CREATE_COMPLETE"), described("CREATE_COMPLETE"),
            ("cloudformation", "delete_stack", {"StackName": "holdfast-check-x"}, {}),
            described("DELETE_FAILED"))
        with self.assertRaisesRegex(Failed, "DELETE_FAILED"):
            stack.delete(check_of(account))
        account.all_asked()


class Preflight(unittest.TestCase):
    def limits(self, limit, free):
        account = Recorded(("lambda", "get_account_settings", {}, {"AccountLimit": {
            "ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": free}}))
        return preflight.concurrency(account)

    def test_a_new_account_reserves_nothing(self):
        limit, reserved = self.limits(10, 10)
        self.assertEqual((limit, set(reserved.values())), (10, {0}))

    def test_an_account_of_the_usual_size_reserves(self):
        _, reserved = self.limits(1000, 900)
        self.assertEqual(reserved["CheckoutConcurrency"], 100)

    def test_credentials_that_expire_before_the_end_are_refused(self):
        now = datetime(2026, 1, 1, tzinfo=timezone.utc)

        def lifetime(hours, token="t", method="env"):
            return preflight.lifetime(mock.Mock(
                token=token, method=method,
                _expiry_time=None if hours is None else now + timedelta(hours=hours)), now)

        with self.assertRaisesRegex(Failed, "expire at 01:00 UTC"):
            lifetime(1)
        self.assertIn("05:00", lifetime(5))
        self.assertIn("WATCH", lifetime(None))
        self.assertIn("WATCH", lifetime(1, method="sso"))
        self.assertIn("do not expire", lifetime(None, token=None))

    def test_a_zone_without_a_proxy_is_left_out(self):
        zone = lambda name, identity, state="available": {
            "ZoneName": name, "ZoneId": identity, "State": state}
        account = Recorded(("ec2", "describe_availability_zones", None, {"AvailabilityZones": [
            zone("us-east-1a", "use1-az3"), zone("us-east-1b", "use1-az1"),
            zone("us-east-1c", "use1-az2", "impaired"), zone("us-east-1d", "use1-az4")]}))
        self.assertEqual(preflight.zones(account), ["us-east-1b", "us-east-1d"])

    def test_an_engine_that_is_not_offered_is_named_with_those_that_are(self):
        account = Recorded(("rds", "describe_db_engine_versions", None, {
            "DBEngineVersions": [{"EngineVersion": "16.9"}]}))
        with self.assertRaisesRegex(Failed, "17.5 is not offered here: 16.9"):
            preflight.engine(account, "17.5")

    def test_an_engine_that_is_offered_passes(self):
        account = Recorded(
            ("rds", "describe_db_engine_versions", None, {
                "DBEngineVersions": [{"EngineVersion": "17.5"}]}),
            ("rds", "describe_orderable_db_instance_options", None, {
                "OrderableDBInstanceOptions": [{"Engine": "aurora-postgresql"}]}))
        self.assertEqual(preflight.engine(account, "17.5"), "aurora-postgresql 17.5 is serverless")
        account.all_asked()


class Crowds(unittest.TestCase):
    def test_a_refused_shopper_asks_again_with_the_same_id(self):
        seen = {}

        def call(method, url, body):
            seen[url] = seen.get(url, 0) + 1
            return (201 if seen[url] == 3 else 503), b""

        came = crowd.rush(call, "https://x", "A", 20, 5, wait=lambda _: None)
        self.assertEqual((len(came.granted), came.unanswered), (20, 0))
        self.assertEqual(set(seen.values()), {3})
        self.assertEqual(came.statuses, {503: 40, 201: 20})

    def test_a_shortage_is_an_answer_and_silence_is_none(self):
        came = crowd.rush(lambda *_: (409, b""), "https://x", "A", 3, 2, wait=lambda _: None)
        self.assertEqual((came.refused, came.unanswered), (3, 0))

        def away(*_):
            raise ConnectionError("gone")

        came = crowd.rush(away, "https://x", "A", 2, 2, tries=4, wait=lambda _: None)
        self.assertEqual((came.unanswered, came.statuses[0]), (2, 8))

    def test_a_mistake_of_the_check_is_not_swallowed(self):
        with self.assertRaises(ZeroDivisionError):
            crowd.rush(lambda *_: 1 / 0, "https://x", "A", 1, 1)


def execute(answer, **request):
    expected = {"resourceArn": CLUSTER, "secretArn": SECRET, "database": "holdfast",
                "formatRecordsAs": "JSON", "sql": ANY, "parameters": ANY, **request}
    return ("rds-data", "execute_statement", expected, answer)


class Trials(unittest.TestCase):
    def test_lost_checkouts_are_counted(self):
        ids = [f"id-{n}" for n in range(700)]
        account = Recorded(
            execute(rows({"missing": 2}), parameters=[
                {"name": "ids", "value": {"stringValue": json.dumps(ids[:500])}}]),
            execute(rows({"missing": 1})))
        self.assertEqual(trials.lost(check_of(account), ids), 3)
        account.all_asked()

    def crash(self, missing):
        came = crowd.Crowd(granted=["a"])
        check = check_of(Recorded(execute({}), execute({})))
        with mock.patch.object(trials, "crash_under_load", lambda *_: (came, missing.pop(0), "done")):
            _, told = quiet(trials.crash, check)
        return check, told

    def test_a_lost_acknowledgement_fails(self):
        with self.assertRaisesRegex(Failed, "1 acknowledged checkouts are lost"):
            self.crash([1])

    def test_a_control_that_loses_nothing_says_that_the_trial_shows_nothing(self):
        _, told = self.crash([0, 0, 0, 0])
        self.assertIn("show nothing", told)
        _, told = self.crash([0, 0, 0, 7])
        self.assertNotIn("show nothing", told)

    def flush(self, waited, message=None):
        """`waited`: how many waits the counter has before and after each kind."""
        answers = [execute(rows({"wal_level": "replica", "version": "15"})),
                   message or execute(rows({"at": "0/1"}))]
        for before, after in waited:
            answers.append(execute(rows({"waits": before})))
            answers += [execute(rows({"one": 1}))] * trials.CALLS
            answers.append(execute(rows({"waits": after})))
        account = Recorded(*answers)
        check = check_of(account)
        report = io.BytesIO(json.dumps({"early_release": {"way": "row-lock"}}).encode())
        with mock.patch.object(account.client("lambda"), "invoke", lambda **_: {"Payload": report}):
            _, told = quiet(trials.flush, check)
        account.all_asked()
        return told

    def test_commits_that_wait_pass(self):
        self.assertIn("row-lock", self.flush([(0, 50), (50, 100), (100, 101)]))

    def test_a_message_that_waits_for_nothing_fails(self):
        with self.assertRaisesRegex(Failed, "a commit of a message waits for nothing"):
            self.flush([(0, 0), (0, 50), (50, 50)])

    def test_a_server_that_refuses_messages_is_told_and_its_row_lock_is_measured(self):
        refused = ("rds-data", "execute_statement", None, "DatabaseErrorException")
        told = self.flush([(0, 50), (50, 51)], refused)
        self.assertIn("raises", told)
        self.assertIn('"row lock": 50', told)
        with self.assertRaisesRegex(Failed, "a commit of a row lock waits for nothing"):
            self.flush([(0, 1), (1, 2)], refused)

    def test_a_right_that_is_missing_fails(self):
        check = check_of(Recorded())
        check.outputs.update({"ApiUrl": "https://a", "WebhookUrl": "https://w/",
                              "StorefrontCallerPolicyArn": "s", "AdminCallerPolicyArn": "a"})
        check.identity = lambda name, policy: name
        allowed = {"storefront": "/v1/shops/", "clerk": "/v1/admin/shops/check"}

        def call(method, url, body, credentials, headers):
            if "webhooks" in url:
                return 401, b""
            if credentials == "clerk" and url.endswith("/other"):
                return 404, b""
            good = credentials in allowed and allowed[credentials] in url
            return (200 if good else 403), b""

        check.account.call = call
        quiet(trials.doors, check)
        allowed["stranger"] = "/v1/shops/"
        with mock.patch.object(trials, "until", until_once), self.assertRaisesRegex(Failed, "stranger"):
            quiet(trials.doors, check)


def until_once(what, check, *_):
    answer = check()
    if not answer:
        raise Failed(what)
    return answer


class CrashesUnderLoad(unittest.TestCase):
    def crash(self, answer, shoppers=40):
        account = Recorded(*answer)
        check = check_of(account)
        check.outputs["ApiUrl"] = "https://a"
        account.call = lambda *_: (201, b"")
        account.client_once = account.client
        with mock.patch.object(trials, "CRASH_SHOPPERS", shoppers):
            return trials.crash_under_load(check, "instance")

    def test_a_crash_comes_in_the_middle_of_the_crowd(self):
        came, missing, how = self.crash([
            ("rds-data", "execute_statement", None, "DatabaseUnavailableException"),
            execute(rows({"one": 1})), execute(rows({"missing": 0}))])
        self.assertEqual((len(came.granted), missing), (40, 0))
        self.assertIn("DatabaseUnavailable", how)

    def test_an_engine_without_crashes_is_named(self):
        with self.assertRaisesRegex(Failed, "offers no crash"):
            account = [("rds-data", "execute_statement", None, "x")]
            with mock.patch.object(Database, "crash", side_effect=Recorded().client(
                    "rds-data").exceptions.ClientError({"Error": {
                        "Code": "x", "Message": "function aurora_inject_crash does not exist"}}, "x")):
                self.crash(account)


class Releases(unittest.TestCase):
    def test_a_release_without_a_canary_fails(self):
        check = check_of(Recorded())
        versions = iter(["1", "2"])
        with mock.patch.object(stack, "alias", lambda *_: {"FunctionVersion": next(versions)}), \
                mock.patch.object(stack, "wait_for_quiet"), \
                mock.patch.object(check, "beside", lambda again, work: True), \
                self.assertRaisesRegex(Failed, "no part of the traffic"):
            stack.canary(check)

    def test_a_release_that_ignores_the_alarm_fails(self):
        check = check_of(Recorded())
        with mock.patch.object(stack, "alias", lambda *_: {"FunctionVersion": "2"}), \
                mock.patch.object(stack, "wait_for_quiet"), \
                mock.patch.object(check, "beside", lambda again, work: True), \
                mock.patch.object(stack, "stopped_releases", lambda _: {}), \
                self.assertRaisesRegex(Failed, "although an alarm rang"):
            stack.rollback(check)

    def rolled_back(self, *stopped):
        """The third deployment fails. `stopped`: what CodeDeploy stopped before it and after it."""
        check = check_of(Recorded())
        went, stopped = iter([False, True]), iter(stopped)
        with mock.patch.object(stack, "alias", lambda *_: {"FunctionVersion": "2"}), \
                mock.patch.object(stack, "wait_for_quiet"), mock.patch.object(stack, "sell"), \
                mock.patch.object(stack, "ended", lambda _: "UPDATE_ROLLBACK_COMPLETE"), \
                mock.patch.object(stack, "stopped_releases", lambda _: next(stopped)), \
                mock.patch.object(check, "beside", lambda again, work: next(went)):
            quiet(stack.rollback, check)

    def test_a_release_that_failed_for_another_reason_than_an_alarm_fails(self):
        alarm = {"d-1": "ALARM_ACTIVE: One or more alarms have been activated"}
        self.rolled_back({}, alarm)
        for before, after in (({}, {}), (alarm, alarm), ({}, {"d-2": "TIMEOUT: none"})):
            with self.assertRaisesRegex(Failed, "no alarm stopped it"):
                self.rolled_back(before, after)

    def test_the_reason_of_a_stopped_release_is_read(self):
        asked = {"applicationName": "app", "deploymentGroupName": "one",
                 "includeOnlyStatuses": ["Failed", "Stopped"]}
        account = Recorded(
            ("codedeploy", "list_deployment_groups", {"applicationName": "app"}, {
                "deploymentGroups": ["one"]}),
            ("codedeploy", "list_deployments", asked, {"deployments": ["d-1"]}),
            ("codedeploy", "get_deployment", {"deploymentId": "d-1"}, {"deploymentInfo": {
                "errorInformation": {"code": "ALARM_ACTIVE", "message": "they ring"}}}))
        check = check_of(account)
        with mock.patch.object(check, "resource", lambda _: "app"):
            self.assertEqual(stack.stopped_releases(check), {"d-1": "ALARM_ACTIVE: they ring"})
        account.all_asked()

    def test_a_release_waits_until_its_alarms_are_off(self):
        asked = {"AlarmNames": ["a", "b"], "StateValue": "ALARM"}
        account = Recorded(
            ("codedeploy", "list_deployment_groups", {"applicationName": "app"}, {
                "deploymentGroups": ["one", "two"]}),
            ("codedeploy", "batch_get_deployment_groups", {
                "applicationName": "app", "deploymentGroupNames": ["one", "two"]},
             {"deploymentGroupsInfo": [
                 {"alarmConfiguration": {"alarms": [{"name": "b"}, {"name": "a"}]}},
                 {"alarmConfiguration": {"alarms": [{"name": "a"}]}}]}),
            ("cloudwatch", "describe_alarms", asked, {"MetricAlarms": [{"AlarmName": "b"}]}),
            ("cloudwatch", "describe_alarms", asked, {"MetricAlarms": []}))
        check = check_of(account)
        with mock.patch.object(check, "resource", lambda _: "app"), \
                mock.patch("account.time.sleep"):
            stack.wait_for_quiet(check)
        account.all_asked()

    def test_the_alarm_is_put_on_by_its_own_name(self):
        account = Recorded(
            described("UPDATE_IN_PROGRESS"),
            ("cloudformation", "describe_stack_resource", {
                "StackName": "holdfast-check-x", "LogicalResourceId": "PromiseBrokenAlarm"},
             {"StackResourceDetail": {
                 "LogicalResourceId": "PromiseBrokenAlarm", "ResourceType": "x",
                 "LastUpdatedTimestamp": "2026-01-01", "ResourceStatus": "CREATE_COMPLETE",
                 "PhysicalResourceId": "holdfast-check-x-PromiseBrokenAlarm-1"}}),
            ("cloudwatch", "set_alarm_state", {
                "AlarmName": "holdfast-check-x-PromiseBrokenAlarm-1", "StateValue": "ALARM",
                "StateReason": ANY}, {}))
        stack.ring(check_of(account))
        account.all_asked()
        stack.ring(check_of(Recorded(described("UPDATE_ROLLBACK_IN_PROGRESS"))))


class Leftovers(unittest.TestCase):
    def test_only_what_belongs_to_the_run_is_found(self):
        account = Recorded(("rds", "describe_db_cluster_snapshots", None, {"DBClusterSnapshots": [
            {"DBClusterSnapshotIdentifier": "ours", "DBClusterIdentifier": "holdfast-check-x-db-1"},
            {"DBClusterSnapshotIdentifier": "theirs", "DBClusterIdentifier": "holdfast-db"}]}))
        self.assertEqual(list(leftovers.snapshots(account, "holdfast-check-x")), ["ours"])

    def test_a_kind_that_cannot_be_listed_is_named_and_the_others_go(self):
        queue = "https://sqs.eu-west-1.amazonaws.com/1/holdfast-check-x-Q"
        account = Recorded(
            ("lambda", "list_functions", {}, "AccessDenied"),
            ("sqs", "list_queues", {"QueueNamePrefix": "holdfast-check-x-"}, {"QueueUrls": [queue]}),
            ("sqs", "delete_queue", {"QueueUrl": queue}, {}))
        found = leftovers.find(account, "holdfast-check-x", (leftovers.functions, leftovers.queues))
        stays = leftovers.remove(found)
        self.assertEqual(list(stays), ["functions: not listed"])
        self.assertIn("AccessDenied", stays["functions: not listed"])
        account.all_asked()

    def test_what_is_found_is_deleted_and_a_failure_is_named(self):
        queue = "https://sqs.eu-west-1.amazonaws.com/1/holdfast-check-x-Q"
        account = Recorded(
            ("sqs", "list_queues", {"QueueNamePrefix": "holdfast-check-x-"}, {"QueueUrls": [queue]}),
            ("sqs", "delete_queue", {"QueueUrl": queue}, "AccessDenied"),
            ("iam", "list_roles", {"PathPrefix": "/holdfast-check-x/"}, {"Roles": [{
                "Path": "/holdfast-check-x/", "RoleName": "holdfast-check-x-clerk",
                "RoleId": "AROAEXAMPLEEXAMPLE", "CreateDate": "2026-01-01",
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/holdfast-check-x/holdfast-check-x-clerk"}]}),
            ("iam", "list_attached_role_policies", {"RoleName": "holdfast-check-x-clerk"}, {
                "AttachedPolicies": [{"PolicyName": "p", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:p"}]}),
            ("iam", "detach_role_policy", ANY_REQUEST, {}),
            ("iam", "delete_role", {"RoleName": "holdfast-check-x-clerk"}, {}),
            ("lambda", "list_functions", {}, {"Functions": [
                {"FunctionName": "holdfast-check-x-checkout"}, {"FunctionName": "holdfast-checkout"}]}))
        found = leftovers.find(account, "holdfast-check-x", (
            leftovers.queues, leftovers.roles, leftovers.functions))
        stays = leftovers.remove(found)
        self.assertEqual(set(stays), {
            f"queues: {queue}", "functions: holdfast-check-x-checkout"})
        self.assertIn("AccessDenied", stays[f"queues: {queue}"])
        account.all_asked()


ANY_REQUEST = None


if __name__ == "__main__":
    unittest.main()
