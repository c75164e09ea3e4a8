"""Lints what the SAM template turns into. What else must be true of it: tests/contract/template.rs.

`sam validate --lint` looks at the template as it is written, and lets a reference to nothing or an
unknown runtime pass inside a function's properties. So the template is turned into plain
CloudFormation here, as a deployment does it, and cfn-lint looks at that.
"""

import json
import logging
import sys
from pathlib import Path

import boto3
from cfnlint.api import ManualArgs, lint
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.public.translator import Translator
from samtranslator.yaml_helper import yaml_parse

REGION = "eu-west-1"
# Where `sam build` would put the code. No linter follows it.
CODE_URI = "s3://bucket/code.zip"


# What SAM adds to a function's role. Known here so that AWS need not be asked.
MANAGED_POLICIES = {
    name: f"arn:aws:iam::aws:policy/service-role/{name}"
    for name in ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole",
                 "AWSLambdaVPCAccessExecutionRole")
}


def translate(template):
    defaults = template.get("Globals", {}).get("Function", {})
    for resource in [{"Properties": defaults}, *template["Resources"].values()]:
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = CODE_URI
    session = boto3.Session(region_name=REGION)
    translator = Translator(MANAGED_POLICIES, Parser(), boto_session=session)
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()
                if "Default" in parameter}
    return translator.translate(template, defaults)


def check_cloudformation(template):
    try:
        resources = translate(template)
    except InvalidDocumentException as error:
        yield from (cause.message for cause in error.causes)
        return
    # W1030: see template.yaml. W2001: what SAM has put in is not referred to any more.
    config = ManualArgs(regions=[REGION], ignore_checks=["W1030", "W2001"])
    for match in lint(json.dumps(resources), config=config):
        where = "/".join(str(step) for step in match.path or [])
        yield f"{match.rule.id} {where}: {match.message[:300]}"


def main():
    # It remarks on switches of its own that it can't look up from here.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml")
    found = list(check_cloudformation(yaml_parse(path.read_text(encoding="utf-8"))))
    for line in found:
        print(f"{path}: {line}", file=sys.stderr)
    if found:
        return 1
    print(f"{path} turns into sound CloudFormation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
