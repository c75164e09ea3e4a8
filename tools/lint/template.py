"""Runs cfn-lint on the CloudFormation template that SAM makes of template.yaml.

`sam validate --lint` checks the template as written, and misses dangling references and unknown
runtimes in a function's properties. tests/contract/template.rs checks the rest.
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
# Stands for the built code. No linter reads it.
CODE_URI = "s3://bucket/code.zip"
# SAM adds these to functions' roles. Without this table it would ask AWS.
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
    # W1030: see template.yaml. W2001: SAM has replaced the references to some parameters.
    config = ManualArgs(regions=[REGION], ignore_checks=["W1030", "W2001"])
    for match in lint(json.dumps(resources), config=config):
        where = "/".join(str(step) for step in match.path or [])
        yield f"{match.rule.id} {where}: {match.message[:300]}"


def main():
    # It warns about its feature switches, which it cannot look up offline.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml")
    found = list(check_cloudformation(yaml_parse(path.read_text(encoding="utf-8"))))
    for line in found:
        print(f"{path}: {line}", file=sys.stderr)
    if found:
        return 1
    print(f"{path} becomes valid CloudFormation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
