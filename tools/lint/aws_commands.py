"""Holds the AWS CLI's commands in the documents against the models of the services.

No account is asked. A command is right when the service has the operation, the operation has every
parameter, each that is required is given, and botocore takes their values: what the CLI itself checks
before it sends anything.
"""

import json
import re
import shlex
import sys
from pathlib import Path

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.validate import ParamValidator

DOCUMENTS = ["docs/runbooks.md", "docs/operations.md"]
FENCE = "```sh aws\n"
# Options of the CLI itself, and whether a value follows.
OPTIONS = {"--output": True, "--query": True, "--region": True, "--cli-binary-format": True}
# Commands that are the CLI's own and no operation of a service: what they take.
OWN = {("logs", "tail"): {"--since": True, "--follow": False, "--filter-pattern": True}}
# Operations that write their answer into a file, which is the last word.
WRITES_FILE = {("lambda", "invoke")}


def commands(text):
    """The commands of the marked blocks, continued lines joined, `logs` replaced by its command."""
    logs = ""
    for block in text.split(FENCE)[1:]:
        block = block.split("```")[0].replace("\\\n", " ")
        lines = list(filter(None, map(str.strip, block.splitlines())))
        if lines[0] == "logs() {":
            _, logs, _, *lines = lines
        for line in lines:
            if line.startswith("logs "):
                _, function, pattern = shlex.split(line)
                line = logs.replace("$1", function).replace('"$2"', shlex.quote(pattern))
            yield line


def value_of(shape, words):
    """What the words behind an option mean to the parameter."""
    if shape.type_name == "list":
        if shape.member.type_name == "structure":
            return [dict(pair.split("=", 1) for pair in word.split(",")) for word in words]
        return list(words)
    if shape.type_name == "boolean":
        return True
    (word,) = words
    if shape.type_name in ("integer", "long"):
        return 1 if word.startswith("$") else int(word)
    if shape.type_name == "timestamp":
        return 1 if word.startswith("$") else word
    if shape.type_name == "structure":
        return json.loads(word)
    return word


def split_options(words):
    """(option, its words) pairs, and the words before the first one."""
    loose, options = [], []
    for word in words:
        if word.startswith("--"):
            options.append((word, []))
        elif options:
            options[-1][1].append(word)
        else:
            loose.append(word)
    return loose, options


def check_own(key, words):
    loose, options = split_options(words)
    if len(loose) != 1:
        yield "takes one word without an option"
    for name, values in options:
        if name not in OWN[key]:
            yield f"has no {name}"
        elif len(values) != OWN[key][name]:
            yield f"{name} has {len(values)} values"


def check(session, line):
    program, service, operation, *words = shlex.split(line)
    if program != "aws":
        yield "is no command of the AWS CLI"
        return
    if (service, operation) in OWN:
        yield from check_own((service, operation), words)
        return
    try:
        model = session.get_service_model(service)
    except UnknownServiceError:
        yield f"{service} is no service"
        return
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        yield f"{service} has no {operation}"
        return
    if (service, operation) in WRITES_FILE:
        words.pop()
    loose, options = split_options(words)
    shape = model.operation_model(names[operation]).input_shape
    members = {"--" + xform_name(name, "-"): name for name in (shape.members if shape else {})}
    if loose:
        yield f"{loose} belong to no option"
    given = {}
    for name, values in options:
        if name in OPTIONS:
            if len(values) != OPTIONS[name]:
                yield f"{name} has {len(values)} values"
        elif name not in members:
            yield f"has no {name}"
        else:
            try:
                given[members[name]] = value_of(shape.members[members[name]], values)
            except ValueError as error:
                yield f"{name}: {error}"
    if shape:
        report = ParamValidator().validate(given, shape)
        if report.has_errors():
            yield report.generate_report()


def main():
    session = botocore.session.get_session()
    # The checker can say no.
    for wrong in ("aws sqs receive-mesage --queue-url x", "aws sqs receive-message",
                  "aws sqs receive-message --queue-url x --max-number-of-mesages 1",
                  "aws logs tail a b", "aws sqs receive-message --queue-url x --visibility-timeout y"):
        if not list(check(session, wrong)):
            print(f"this was taken for right: {wrong}", file=sys.stderr)
            return 1
    found, seen = [], 0
    for document in DOCUMENTS:
        text = Path(document).read_text(encoding="utf-8")
        for line in commands(text):
            seen += 1
            found += (f"{document}: {re.sub(' +', ' ', line)}: {what}" for what in check(session, line))
    for line in found:
        print(line, file=sys.stderr)
    if found or seen < 20:
        print(f"{seen} commands of the AWS CLI, {len(found)} mistakes", file=sys.stderr)
        return 1
    print(f"{seen} commands of the AWS CLI are as the services' models say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
