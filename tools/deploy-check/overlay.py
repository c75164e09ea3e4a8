"""Adapts template.yaml to the emulator.

The template itself has no exceptions for the emulator. Each change is here with its reason, and
fails if it no longer changes anything.
"""

import json
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse


def functions(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource["Properties"]


def without_canary(template):
    """The emulator has no CodeDeploy. Without a preference, a release moves its alias at once."""
    found = [properties.pop("DeploymentPreference", None) for _, properties in functions(template)]
    return any(found)


def without_metric_math(template):
    """The emulator has no alarms over several metrics. No other resource refers to one."""
    found = [name for name, resource in template["Resources"].items()
             if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]]
    for name in found:
        del template["Resources"][name]
    return found


def fast_dead_letters(template):
    """The check waits for a message in the dead-letter queue: after 2 attempts, 5 seconds apart,
    instead of 20 attempts, 3 minutes apart."""
    queue = template["Resources"]["PaymentEventsQueue"]["Properties"]
    queue["VisibilityTimeout"] = 5
    queue["RedrivePolicy"]["maxReceiveCount"] = 2
    return True


def plain_number(template):
    """The emulator passes this parameter on as text, but needs a number. CloudFormation converts."""
    event = template["Resources"]["PaymentsFunction"]["Properties"]["Events"]["PaymentEvents"]
    default = template["Parameters"]["PaymentsConcurrency"]["Default"]
    event["Properties"]["ScalingConfig"]["MaximumConcurrency"] = default
    return True


def here(template, root):
    """The built template is in another folder than the code."""
    template["Globals"]["Function"]["CodeUri"] = str(root)
    return True


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    template = yaml_parse(source.read_text(encoding="utf-8"))
    root = source.resolve().parent
    changes = (
        without_canary, without_metric_math, fast_dead_letters, plain_number, lambda t: here(t, root))
    for change in changes:
        if not change(template):
            print(f"overlay: {change.__name__} no longer changes anything", file=sys.stderr)
            return 1
    # JSON is YAML, too.
    target.write_text(json.dumps(template, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
