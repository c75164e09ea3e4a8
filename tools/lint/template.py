"""Lints what the SAM template turns into, and holds it against openapi.yaml.

`sam validate --lint` looks at the template as it is written, and lets a reference to nothing or an
unknown runtime pass inside a function's properties. So the template is turned into plain
CloudFormation here, as a deployment does it, and cfn-lint looks at that.
"""

import copy
import json
import sys
from pathlib import Path

import boto3
import yaml
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
    return translator.translate(template, {})


def events(template, kind):
    """The events of a kind: their name, their properties, their function's properties."""
    for resource in template["Resources"].values():
        function = resource.get("Properties", {})
        for name, event in function.get("Events", {}).items():
            if event["Type"] == kind:
                yield name, event["Properties"], function


ADMIN = "/v1/admin/"


def check_routes(template, contract):
    """Each operation of the HTTP API has a route named as it is, and nothing else has one.

    The stock office's operations share one route, which must have an authorizer."""
    routed = {(name, e["Method"].upper(), e["Path"]) for name, e, _ in events(template, "HttpApi")
              if not e["Path"].startswith(ADMIN)}
    told = {
        (operation["operationId"].title().replace("_", ""), method.upper(), path)
        for path, item in contract["paths"].items()
        if "servers" not in item and not path.startswith(ADMIN)
        for method, operation in item.items() if isinstance(operation, dict)
    }
    offices = [e for _, e, _ in events(template, "HttpApi") if e["Path"].startswith(ADMIN)]
    if [(e["Method"].upper(), e["Path"]) for e in offices] != [("ANY", ADMIN + "{proxy+}")]:
        yield f"the template does not route ANY {ADMIN}{{proxy+}}, and nothing else below {ADMIN}"
    for event in offices:
        if event.get("Auth", {}).get("Authorizer") in (None, "NONE"):
            yield f"{event['Path']} has no authorizer: anybody could call the stock office"
    for route in sorted(told - routed):
        yield f"openapi.yaml has {' '.join(route)}, the template has no such route"
    for route in sorted(routed - told):
        yield f"the template routes {' '.join(route)}, openapi.yaml has no such operation"


def check_visibility(template):
    """A queue hides a message for six times its function's timeout, as Lambda advises."""
    for name, event, function in events(template, "SQS"):
        queue = event["Queue"]["Fn::GetAtt"][0]
        visible_s = template["Resources"][queue]["Properties"]["VisibilityTimeout"]
        if visible_s != 6 * function["Timeout"]:
            yield f"{name}: VisibilityTimeout of {queue} is not six times the function's Timeout"


def check_cloudformation(template):
    try:
        resources = translate(copy.deepcopy(template))
    except InvalidDocumentException as error:
        yield from (cause.message for cause in error.causes)
        return
    for match in lint(json.dumps(resources), config=ManualArgs(regions=[REGION])):
        where = "/".join(str(step) for step in match.path or [])
        yield f"{match.rule.id} {where}: {match.message[:300]}"


def main():
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml")
    template = yaml_parse(path.read_text(encoding="utf-8"))
    contract = yaml.safe_load(Path("openapi.yaml").read_text(encoding="utf-8"))
    # The other two rely on a template whose references lead somewhere.
    found = list(check_cloudformation(template))
    found = found or [*check_routes(template, contract), *check_visibility(template)]
    for line in found:
        print(f"{path}: {line}", file=sys.stderr)
    if found:
        return 1
    print(f"{path} has every route of openapi.yaml and turns into sound CloudFormation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
