"""Deploys the built template to the emulator and buys something, through every route and trigger.

    check.py FOLDER SAM    in the environment of `holdfast database --run`

Prints the first failed check and exits with 1.
"""

import sys
import traceback
from pathlib import Path

from deployment import Deployment, Failed
from emulator import Emulator
from issuer import Issuer
from purchase import Purchase


def deploy(deployment, issuer):
    deployment.create_secrets()
    # A rule of the template refuses a deployment that lacks a parameter.
    deployment.refuses("AdminJwtIssuer", AdminAuth="jwt", AdminJwtIssuer="")
    # A first deployment whose migration fails leaves no function.
    deployment.stops("holdfast-bad", MigrateDatabaseSecretArn=deployment.wrong_secret)
    deployment.deploy(
        AdminAuth="jwt", AdminJwtIssuer=issuer.url, AdminJwtAudience="holdfast",
        CorsAllowOrigins="https://shop.example")
    deployment.let_roles_log_in()
    deployment.has_no_secret_in_an_environment()


def main():
    folder, sam = Path(sys.argv[1]), sys.argv[2]
    certificates = folder / "certificates"
    issuer = Issuer(certificates)
    emulator = Emulator(folder / "emulator", certificates / "authority.pem")
    try:
        deployment = Deployment(emulator, folder, sam)
        deploy(deployment, issuer)
        purchase = Purchase(deployment, issuer)
        purchase.stock_the_shop()
        purchase.nobody_else_may_call()
        purchase.gateway_is_asked()
        purchase.due_hold_is_begun()
        purchase.broken_message_is_sent()
        purchase.is_paid()
        purchase.broken_message_is_put_aside()
        purchase.due_hold_is_expired_by_the_schedule()
        # After a bad release, the stack keeps the old version and sells on.
        deployment.stops_update()
        purchase.is_paid()
        deployment.delete()
        deployment.leaves_only_its_queues()
        purchase.data_is_still_there()
    except Failed as failure:
        print(f"deploy-check: {failure}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        print(f"deploy-check: unexpected error; the emulator's log is {emulator.log}", file=sys.stderr)
        return 1
    finally:
        emulator.stop()
        issuer.server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
