"""What all bodies are about: one order, one buyer, both invented."""

import dataclasses
import datetime

REFERENCE = "dress-06e7bd4x0hzh"
AMOUNT_MINOR = 12499900
PART_MINOR = 4499900
PAID_AT = datetime.datetime(2026, 11, 20, 18, 30, 5, tzinfo=datetime.timezone.utc)
EMAIL = "meera.nair@example.com"
PHONE = "+919900000001"
NAME = "Meera Nair"


def seconds(after=0):
    """Unix seconds, so many after the payment."""
    return int(PAID_AT.timestamp()) + after


@dataclasses.dataclass
class Case:
    """One webhook before it is signed."""

    name: str
    what: str
    body: str
    # of the headers, what the gateway sends besides the signature
    headers: dict = dataclasses.field(default_factory=dict)
    sent_at: int = dataclasses.field(default_factory=lambda: seconds(2))
    # the gateway's documentation does not show such a body
    documented: bool = True
    # a secret that is being replaced signs too
    old_secret: bool = False
