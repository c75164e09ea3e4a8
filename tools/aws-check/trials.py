"""What only a real server and real functions show."""

import json
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from account import Failed, expect, until
from crowd import rush
from stack import SHOP, SKU

WAYS = ("message", "row-lock", "off")
CALLS = 50
MESSAGE = "select pg_logical_emit_message(true, 'holdfast', '')::text as at"
# The lock of a sale (early_release_lock).
ROW_LOCK = "select 1 as one from holdfast.shops where shop = 'check' for key share"
CONTROL = "nothing (control)"
AFTER_CRASH_S = 600
# Long enough for a crash in the middle.
CRASH_SHOPPERS = 4000
# Shoppers of the other rushes.
SHOPPERS = 2000


def storefront(check):
    return f"{check.outputs['ApiUrl']}/v1/shops/{SHOP}"


def as_the_shop(check):
    credentials = check.account.credentials()
    return lambda method, url, body: check.account.call(method, url, body, credentials)


def crowd(check, shoppers=SHOPPERS):
    return rush(as_the_shop(check), storefront(check), SKU, shoppers, check.at_once)


def choose(check, way):
    rows = check.database.sql("select * from holdfast.early_release_choose(:way)", way=way)
    return rows[0]


# The flush

def waits(check):
    """How often commits have waited for the storage so far."""
    rows = check.database.sql(
        "select coalesce(sum(w.waits), 0)::bigint as waits from aurora_stat_system_waits() w "
        "join aurora_stat_wait_event() e using (type_id, event_id) where e.event_name = 'XactSync'")
    return int(rows[0]["waits"])


def flush(check):
    report = json.loads(check.account.client("lambda").invoke(
        FunctionName=f"{check.stack}-migrate", Payload=b"{}")["Payload"].read())
    check.note("what migrate found out", report.get("early_release"))
    setting = check.database.sql("select current_setting('wal_level') as wal_level, version() as version")
    check.note("server", setting[0])
    tried = {"message": MESSAGE, "row lock": ROW_LOCK, CONTROL: "select 1 as one"}
    try:
        check.database.sql(MESSAGE)
        check.note("pg_logical_emit_message", "does not raise")
    except check.database.api.exceptions.ClientError as error:
        check.note("pg_logical_emit_message", f"raises: {error}")
        del tried["message"]
    counted = {}
    for what, statement in tried.items():
        before = waits(check)
        for _ in range(CALLS):
            check.database.sql(statement)
        counted[what] = waits(check) - before
    check.note(f"waits for the storage in {CALLS} commits; the sweeper adds a few", counted)
    for what, waited in counted.items():
        expect(what == CONTROL or waited > counted[CONTROL], f"a commit of a {what} waits for nothing")


def holds(check):
    try:
        for way in WAYS:
            try:
                chosen = choose(check, way)
            except check.database.api.exceptions.ClientError as error:
                check.note(f"holds with {way}", f"the server refuses it: {error}")
                continue
            check.note(f"holds with {way}", {"chosen": chosen, **crowd(check).summary()})
    finally:
        choose(check, "auto")


# Rights

def doors(check):
    api, webhook = check.outputs["ApiUrl"], check.outputs["WebhookUrl"]
    shop = f"{api}/v1/shops/{SHOP}/availability?skus={SKU}"
    office = f"{api}/v1/admin/shops/{SHOP}"
    hook = f"{webhook}v1/shops/{SHOP}/webhooks/cashfree"
    front, clerk, stranger = (check.identity(name, policy) for name, policy in (
        ("storefront", check.outputs["StorefrontCallerPolicyArn"]),
        ("clerk", check.outputs["AdminCallerPolicyArn"]), ("stranger", None)))
    forged = {"x-webhook-timestamp": str(int(time.time() * 1000)), "x-webhook-signature": "AAAA"}
    tried = {}
    for what, method, url, credentials, headers, wanted in (
        ("the storefront's route, unsigned", "GET", shop, None, None, (401, 403)),
        ("…, by a stranger", "GET", shop, stranger, None, (403,)),
        ("…, by the stock office", "GET", shop, clerk, None, (403,)),
        ("…, by the storefront", "GET", shop, front, None, (200,)),
        ("the stock office, unsigned", "GET", office, None, None, (401, 403)),
        ("…, by a stranger's identity", "GET", office, stranger, None, (403,)),
        ("…, by the storefront's identity", "GET", office, front, None, (403,)),
        ("…, by a clerk", "GET", office, clerk, None, (200,)),
        ("…, another shop", "GET", f"{api}/v1/admin/shops/other", clerk, None, (404,)),
        ("a path without a route", "GET", f"{api}/v2", front, None, (403, 404)),
        ("a forged webhook", "POST", hook, None, forged, (401,)),
    ):
        body = {} if method == "POST" else None
        # A policy that was attached a moment ago counts after some seconds.
        status = until(
            f"{what} is answered with {wanted}",
            lambda: answered(check, method, url, body, credentials, headers, wanted), 60, 5)
        tried[what] = status
    check.note("entrances", tried)


def answered(check, method, url, body, credentials, headers, wanted):
    status, _ = check.account.call(method, url, body, credentials, headers)
    return status if status in wanted else None


# Crashes

def lost(check, acknowledged):
    """How many of these checkouts the database does not know."""
    missing = 0
    for at in range(0, len(acknowledged), 500):
        rows = check.database.sql(
            "select count(*) as missing from json_array_elements_text(cast(:ids as json)) as id(id) "
            "where not exists (select from holdfast.checkouts c "
            "where c.shop = 'check' and c.checkout_id = cast(id.id as uuid))",
            ids=json.dumps(acknowledged[at:at + 500]))
        missing += int(rows[0]["missing"])
    return missing


def crash_under_load(check, kind):
    """A crowd, and a crash of the database in the middle of it. Returns the crowd, and what it lost."""
    outcome = {}

    def inject():
        try:
            until("a quarter of the crowd came", lambda: len(seen) > CRASH_SHOPPERS // 4, 300, 0.2)
            check.database.crash(kind)
            outcome["crash"] = "done"
        except (BotoCoreError, ClientError) as error:
            # The server goes away before it answers; a refusal names the function.
            outcome["crash"] = str(error)
        except Failed as failure:
            outcome["nothing"] = str(failure)

    seen = []
    send = as_the_shop(check)

    def call(method, url, body):
        answer = send(method, url, body)
        seen.append(answer[0])
        return answer

    crasher = threading.Thread(target=inject)
    crasher.start()
    came = rush(call, storefront(check), SKU, CRASH_SHOPPERS, check.at_once)
    crasher.join()
    if "nothing" in outcome:
        raise Failed(f"no crash was injected: {outcome['nothing']}")
    refused = "does not exist" in outcome["crash"] or "permission denied" in outcome["crash"]
    if refused:
        raise Failed(f"the engine offers no crash: {outcome['crash']}")
    until("the database answers again", check.database.answers, AFTER_CRASH_S)
    return came, lost(check, came.granted), outcome["crash"]


def crash(check):
    for kind in ("instance", "node"):
        came, missing, how = crash_under_load(check, kind)
        check.note(f"a crash of the {kind}", {
            "injected": how, "acknowledged": len(came.granted), "lost": missing, **came.summary()})
        expect(came.granted, "nobody was granted anything: this shows nothing")
        expect(missing == 0, f"{missing} acknowledged checkouts are lost")
    control(check)


def control(check):
    """The same without a flush: some must be lost, or the trial shows nothing."""
    check.database.sql("alter role holdfast_checkout set synchronous_commit = off")
    try:
        # New sessions have the setting: this crash ends the old ones.
        crash_under_load(check, "instance")
        came, missing, _ = crash_under_load(check, "instance")
        check.note("control: commits do not wait", {
            "acknowledged": len(came.granted), "lost": missing})
        if missing == 0:
            check.note("the crashes above", "show nothing: the control lost nothing, either")
    finally:
        check.database.sql("alter role holdfast_checkout reset synchronous_commit")


# A cold rush

def cold_rush(check):
    """Right after a deployment no copy is warm."""
    before = level(check)
    came = crowd(check)
    after = level(check)
    check.note("a cold rush", came.summary())
    expect(after["held"] - before["held"] <= len(came.granted) + came.unanswered,
           f"more is held than was granted: {before}, {after}, {len(came.granted)}")
    broken = check.database.sql("select promise from holdfast.promises_check('check')")
    expect(broken == [], f"promises are broken: {broken}")


def level(check):
    return check.database.sql(
        "select on_hand, held from holdfast.stock_levels where shop = 'check' and sku = :sku",
        sku=SKU)[0]
