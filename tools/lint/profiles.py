"""Checks the profiles of samconfig.toml, as sam reads them, against the parameters of template.yaml.

Each name must be a parameter, each value one that it takes, and no parameter without a default may
lack. Placeholders (REGION, ACCOUNT) stand for what only the user knows.
"""

import re
import sys
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samtranslator.yaml_helper import yaml_parse

PROFILES = ("created", "existing")
EXAMPLES = {"REGION": "eu-west-1", "ACCOUNT": "123456789012"}


def overrides(config, profile):
    """Names and values, as sam passes them on."""
    given = config.get_all(["deploy"], "parameters", env=profile)["parameter_overrides"]
    return CfnParameterOverridesType().convert(tuple(given), None, None)


def wrong(parameter, value):
    """Why the parameter does not take this value, or None."""
    for placeholder, example in EXAMPLES.items():
        value = value.replace(placeholder, example)
    allowed = parameter.get("AllowedValues")
    if allowed and value not in map(str, allowed):
        return f"{value} is none of {allowed}"
    if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], value):
        return f"{value}: {parameter['ConstraintDescription']}"
    if parameter["Type"] == "Number":
        least, most = parameter.get("MinValue", 0), parameter.get("MaxValue", 0)
        if not least <= float(value) <= most:
            return f"{value} is not between {least} and {most}"
    return None


def check(profile, given, parameters):
    for name, value in given.items():
        if name not in parameters:
            yield f"{profile}: template.yaml has no parameter {name}"
            continue
        why = wrong(parameters[name], value)
        if why:
            yield f"{profile}: {name}: {why}"
    for name, parameter in parameters.items():
        if "Default" not in parameter and name not in given:
            yield f"{profile}: {name} has no default and lacks"


def main():
    parameters = yaml_parse(Path("template.yaml").read_text(encoding="utf-8"))["Parameters"]
    config = SamConfig(".")
    # These must fail, or the check does not work.
    bad = {"Shop": "x", "Database": "new", "LogRetentionDays": "31", "WebhookConcurrency": "-1",
           "WebhookSecretsArn": "none"}
    if len(list(check("bad", bad, parameters))) != 6:
        print("the check does not find what is wrong", file=sys.stderr)
        return 1
    found = []
    for profile in PROFILES:
        found += check(profile, overrides(config, profile), parameters)
    for line in found:
        print(f"samconfig.toml: {line}", file=sys.stderr)
    if found:
        return 1
    print(f"samconfig.toml: the profiles {', '.join(PROFILES)} fit the template")
    return 0


if __name__ == "__main__":
    sys.exit(main())
