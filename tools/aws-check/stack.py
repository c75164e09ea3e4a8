"""The stack: its secret, its deployments with sam, its releases, its end."""

import os
import secrets
import subprocess
from pathlib import Path

from account import Database, Failed, expect, until

ROOT = Path(__file__).parent.parent.parent
SHOP = "check"
SKU = "LEHENGA-RED-M"
UNITS = 100_000
DEPLOY_TIMEOUT_S = 3600
DELETE_TIMEOUT_S = 2400
GONE = ("DELETE_COMPLETE",)
CUT_OFF = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
QUIET_TIMEOUT_S = 1800


def sam(check, *arguments):
    log = check.folder / "sam.log"
    with log.open("a", encoding="utf-8") as out:
        done = subprocess.run(
            ["sam", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, timeout=DEPLOY_TIMEOUT_S,
            env={**os.environ, "AWS_DEFAULT_REGION": check.account.region})
    return done.returncode, log


def describe(check):
    found = check.account.client("cloudformation").describe_stacks(StackName=check.stack)
    return found["Stacks"][0]


def read_outputs(check):
    check.outputs = {entry["OutputKey"]: entry["OutputValue"]
                     for entry in describe(check).get("Outputs", [])}
    check.database = Database(check.account, check.outputs)


def deploy(check, **changes):
    """Deploys with these parameters changed. Returns whether it went through."""
    check.parameters.update(changes)
    overrides = [f"{name}={value}" for name, value in check.parameters.items()]
    code, log = sam(
        check, "deploy", "--template", str(check.folder / "build/template.yaml"),
        "--stack-name", check.stack, "--region", check.account.region, "--resolve-s3",
        "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar",
        "--tags", f"holdfast-check={check.stack}", "--parameter-overrides", *overrides)
    check.note("sam deploy", {"code": code, "log": str(log), "changed": changes})
    return code == 0


def create(check):
    keeper = check.account.client("secretsmanager")
    check.webhook_secret = secrets.token_hex(24)
    made = keeper.create_secret(
        Name=f"holdfast/{check.stack}/webhooks", Tags=[{"Key": "holdfast-check", "Value": check.stack}],
        SecretString=f'{{"{SHOP}": {{"cashfree": ["{check.webhook_secret}"]}}}}')
    check.parameters["WebhookSecretsArn"] = made["ARN"]
    build = str(check.folder / "build")
    code, log = sam(check, "build", "--build-dir", build, "--parameter-overrides",
                    f"Architecture={check.architecture}")
    expect(code == 0, f"sam build failed: see {log}")
    expect(deploy(check), f"the first deployment failed: see the stack's events and {log}")
    read_outputs(check)
    stock(check)
    sell(check)


def office(check, method, path, body):
    url = f"{check.outputs['ApiUrl']}/v1/admin/shops/{SHOP}{path}"
    status, answer = check.account.call(method, url, body, check.account.credentials())
    expect(status in (200, 201), f"{method} {path}: {status} {answer[:300]!r}")


def stock(check):
    office(check, "PUT", "", {"name": "Check", "currency": "INR"})
    office(check, "PUT", f"/skus/{SKU}", {"title": "Lehenga, red, M", "price_minor": 8499900})
    office(check, "POST", f"/stock/{SKU}/receive", {"quantity": UNITS, "expected_version": 0})


def sell(check):
    """tools/deploy/sell: the script of the guide."""
    keys = check.account.credentials()
    environment = {
        **os.environ, "API_URL": check.outputs["ApiUrl"], "WEBHOOK_URL": check.outputs["WebhookUrl"],
        "HOLDFAST_SHOP": SHOP, "HOLDFAST_SKU": SKU, "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key, "AWS_SESSION_TOKEN": keys.token or "",
    }
    done = subprocess.run([ROOT / "tools/deploy/sell", check.webhook_secret], env=environment,
                          capture_output=True, text=True, timeout=180)
    expect(done.returncode == 0, f"tools/deploy/sell failed: {done.stdout}{done.stderr}")
    check.note("a unit is sold", done.stdout.strip().splitlines()[-1])


def alias(check, function="checkout"):
    return check.account.client("lambda").get_alias(
        FunctionName=f"{check.stack}-{function}", Name="live")


def deployment_groups(check):
    """CodeDeploy's client, and the names of the application and of its groups."""
    deployer = check.account.client("codedeploy")
    application = check.resource("ServerlessDeploymentApplication")
    groups = deployer.list_deployment_groups(applicationName=application)["deploymentGroups"]
    return deployer, application, groups


def release_alarms(check):
    """Names of the alarms that keep CodeDeploy from a release."""
    deployer, application, groups = deployment_groups(check)
    found = deployer.batch_get_deployment_groups(
        applicationName=application, deploymentGroupNames=groups)["deploymentGroupsInfo"]
    return sorted({alarm["name"] for group in found
                   for alarm in group.get("alarmConfiguration", {}).get("alarms", [])})


def wait_for_quiet(check):
    """CodeDeploy starts no release while an alarm is on, and a crash puts some on."""
    watch = check.account.client("cloudwatch")
    names = release_alarms(check)
    expect(names, "the deployment groups have no alarm")

    def quiet():
        return not watch.describe_alarms(AlarmNames=names, StateValue="ALARM")["MetricAlarms"]

    until("every alarm of a release is off", quiet, QUIET_TIMEOUT_S)


def canary(check):
    """A second deployment: CodeDeploy, and with it the role of releases, works for the first time."""
    wait_for_quiet(check)
    before = alias(check)["FunctionVersion"]
    shares = set()

    def watch():
        weights = alias(check).get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        shares.update(weights.values())

    went = check.beside(watch, lambda: deploy(check, LogLevel="debug"))
    expect(went, "the second deployment failed: see the stack's events")
    after = alias(check)["FunctionVersion"]
    expect(after != before, f"the alias still leads to version {before}")
    expect(shares, "no part of the traffic went to the new version first")
    check.note("the canary's shares", sorted(shares))
    check.note("versions", [before, after])
    sell(check)


def ring(check):
    """Puts an alarm on, until CloudWatch looks again. Not while a release goes back already."""
    if "ROLLBACK" in describe(check)["StackStatus"]:
        return
    check.account.client("cloudwatch").set_alarm_state(
        AlarmName=check.resource("PromiseBrokenAlarm"), StateValue="ALARM",
        StateReason="tools/aws-check tries the guard of a release")


def stopped_releases(check):
    """{id: reason} of the releases that CodeDeploy stopped, or that failed."""
    deployer, application, groups = deployment_groups(check)
    reasons = {}
    for group in groups:
        found = deployer.list_deployments(
            applicationName=application, deploymentGroupName=group,
            includeOnlyStatuses=["Failed", "Stopped"])["deployments"]
        for identity in found:
            told = deployer.get_deployment(deploymentId=identity)["deploymentInfo"]
            reason = told.get("errorInformation", {})
            reasons[identity] = f"{reason.get('code')}: {reason.get('message')}"
    return reasons


def rollback(check):
    wait_for_quiet(check)
    before = alias(check)["FunctionVersion"]
    earlier = stopped_releases(check)
    went = check.beside(lambda: ring(check), lambda: deploy(check, LogLevel="warn"))
    expect(not went, "a release went through although an alarm rang")
    status = until("the stack is rolled back", lambda: ended(check), 1200)
    expect(status == "UPDATE_ROLLBACK_COMPLETE", f"the stack is {status}")
    expect(alias(check)["FunctionVersion"] == before, "the alias did not go back")
    check.note("rolled back to version", before)
    # A deployment may fail for many reasons.
    why = {identity: reason for identity, reason in stopped_releases(check).items()
           if identity not in earlier}
    check.note("why CodeDeploy stopped", why)
    expect(any("alarm" in reason.lower() for reason in why.values()),
           f"the release failed, and no alarm stopped it: {why}")
    went = check.beside(
        lambda: ring(check), lambda: deploy(check, LogLevel="info", ReleaseGuard="off"))
    expect(went, "with ReleaseGuard=off the release was stopped")
    check.note("ReleaseGuard=off", "a release passed while the alarm rang")
    sell(check)


def ended(check):
    status = describe(check)["StackStatus"]
    return status if not status.endswith("_IN_PROGRESS") else None


def delete(check):
    """Deletes the stack, also one that is half made. Returns its last status."""
    formation = check.account.client("cloudformation")
    try:
        identity = describe(check)["StackId"]
    except formation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return "never made"
        raise

    # By its id: a stack that is gone has no name.
    def status_now():
        return formation.describe_stacks(StackName=identity)["Stacks"][0]["StackStatus"]

    def settled():
        # A creation is cut off; CloudFormation cuts off no update.
        status = status_now()
        return status in CUT_OFF or not status.endswith("_IN_PROGRESS")

    def over():
        status = status_now()
        return status if status in GONE or status.endswith("_FAILED") else None

    until("no update is under way", settled, DEPLOY_TIMEOUT_S)
    formation.delete_stack(StackName=check.stack)
    status = until("the stack is deleted", over, DELETE_TIMEOUT_S)
    if status not in GONE:
        raise Failed(f"the stack is {status}: see its events, and delete it by hand")
    return status
