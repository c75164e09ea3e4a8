"""Deploys the built template to the emulator and buys something: every door, every trigger.

    check.py FOLDER SAM    with the environment of `holdfast database --run`

Ends with 0 when everything asserted holds, and otherwise with one line that says what does not.
"""

import sys
import traceback
from pathlib import Path

from deployment import Deployment, Failed
from emulator import Emulator
from issuer import Issuer
from purchase import Purchase


def deploy(deployment, issuer):
    deployment.keep_secrets()
    # Rules of the template: a deployment without what it needs is refused before it begins.
    deployment.refuses("AdminJwtIssuer", AdminAuth="jwt", AdminJwtIssuer="")
    # A release whose migration fails leaves nothing.
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
        purchase.poison_is_sent()
        purchase.is_paid()
        purchase.poison_is_put_aside()
        purchase.due_hold_is_expired_by_the_schedule()
        # A bad release of a stack that sells: nothing of it stays, and it sells on.
        deployment.stops_update()
        purchase.is_paid()
        deployment.delete()
        purchase.data_is_still_there()
    except Failed as failure:
        print(f"deploy-check: {failure}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        print(f"deploy-check: unexpected; the emulator's log is {emulator.log}", file=sys.stderr)
        return 1
    finally:
        emulator.stop()
        issuer.server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
