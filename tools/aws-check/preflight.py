"""What must be so before anything is created."""

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import plan
from account import expect

ROOT = Path(__file__).parent.parent.parent
# Lambda lets nobody reserve the last hundred.
UNRESERVED_MIN = 100
ENGINE = "aurora-postgresql"
# RDS Proxy leaves this zone out, and some accounts see it under another name.
WITHOUT_PROXY = {"use1-az3"}
# Nobody renews credentials from these places.
FIXED = {"env", "explicit", "shared-credentials-file", "config-file"}


def tools(architecture):
    done = subprocess.run([ROOT / "tools/deploy/prerequisites", architecture],
                          capture_output=True, text=True)
    expect(done.returncode == 0, f"tools are missing:\n{done.stderr.strip()}")
    return done.stdout.strip().splitlines()


def lifetime(credentials, now):
    """Whether the credentials live until everything is deleted, as far as they say."""
    if not credentials.token:
        return "no session: they do not expire"
    if credentials.method not in FIXED:
        return (f"renewed by {credentials.method}: WATCH that its login lasts {plan.HOURS} hours, or "
                "the deletion fails")
    # botocore has no public name for it.
    expires = getattr(credentials, "_expiry_time", None)
    if expires is None:
        return (f"a session whose end is unknown: WATCH that it lasts {plan.HOURS} hours, or the "
                "deletion fails")
    expect(expires >= now + timedelta(hours=plan.HOURS),
           f"the credentials expire at {expires:%H:%M} UTC, and a run may take {plan.HOURS} hours: "
           "without them nothing is deleted. Use a role with longer sessions, or a profile that renews "
           "them")
    return f"they expire at {expires:%H:%M} UTC"


def concurrency(account):
    """Copies of checkout, admin and webhook that this account can reserve, and its limit."""
    limits = account.client("lambda").get_account_settings()["AccountLimit"]
    limit, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    wanted = {"CheckoutConcurrency": 100, "AdminConcurrency": 20, "WebhookConcurrency": 20}
    if free - sum(wanted.values()) < UNRESERVED_MIN:
        wanted = dict.fromkeys(wanted, 0)
    return limit, wanted


def zones(account):
    """Two zones that every service of the template serves, as far as is known."""
    found = account.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])["AvailabilityZones"]
    good = sorted(zone["ZoneName"] for zone in found
                  if zone["State"] == "available" and zone["ZoneId"] not in WITHOUT_PROXY)
    expect(len(good) >= 2, f"two zones are needed, and {good} serve everything")
    return good[:2]


def engine(account, version):
    """The engine's version exists here, for Serverless v2."""
    rds = account.client("rds")
    versions = [entry["EngineVersion"] for entry in rds.describe_db_engine_versions(
        Engine=ENGINE, DefaultOnly=False)["DBEngineVersions"]]
    expect(version in versions, f"{ENGINE} {version} is not offered here: {', '.join(versions)}")
    options = rds.describe_orderable_db_instance_options(
        Engine=ENGINE, EngineVersion=version, DBInstanceClass="db.serverless", MaxRecords=20)
    expect(options["OrderableDBInstanceOptions"], f"{ENGINE} {version} is not serverless here")
    return f"{ENGINE} {version} is serverless"


def run(check):
    account = check.account
    check.note("credentials", lifetime(
        account.session.get_credentials(), datetime.now(timezone.utc)))
    check.note("tools", tools(check.architecture))
    limit, reserved = concurrency(account)
    check.note("concurrent executions of the account", limit)
    check.parameters.update({name: str(count) for name, count in reserved.items()})
    first, second = zones(account)
    check.parameters.update({"ZoneA": first, "ZoneB": second})
    check.note("zones", [first, second])
    check.note("engine", engine(account, check.parameters["DatabaseEngineVersion"]))
    # No shopper waits for a copy: the rush sends what fits.
    check.at_once = min(100, max(2, limit // 2))
