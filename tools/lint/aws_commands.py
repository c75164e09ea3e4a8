"""Checks the AWS CLI's commands in the documents against the services' models, offline.

The service must have the operation, the operation every parameter; no required parameter may lack,
and botocore must accept the values. The CLI checks the same before it sends anything.
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
# Options of the CLI itself, and whether they take a value.
OPTIONS = {"--output": True, "--query": True, "--region": True, "--cli-binary-format": True}
# The CLI's own commands, which are no operations of a service, and their options.
OWN = {("logs", "tail"): {"--since": True, "--follow": False, "--filter-pattern": True}}
# Operations whose last word is the file for the answer.
WRITES_FILE = {("lambda", "invoke")}


def commands(text):
    """The commands of the marked blocks. Joins continued lines, and expands `logs`."""
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
    """The parameter's value for the words after an option."""
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
    """The words before the first option, and (option, words) pairs."""
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
        yield "needs one word before its options"
    for name, values in options:
        if name not in OWN[key]:
            yield f"has no {name}"
        elif len(values) != OWN[key][name]:
            yield f"{name} has {len(values)} values"


def check(session, line):
    program, service, operation, *words = shlex.split(line)
    if program != "aws":
        yield "is not a command of the AWS CLI"
        return
    if (service, operation) in OWN:
        yield from check_own((service, operation), words)
        return
    try:
        model = session.get_service_model(service)
    except UnknownServiceError:
        yield f"there is no service {service}"
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
        yield f"{loose} belongs to no option"
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
    # These must fail, or the check does not work.
    for wrong in ("aws sqs receive-mesage --queue-url x", "aws sqs receive-message",
                  "aws sqs receive-message --queue-url x --max-number-of-mesages 1",
                  "aws logs tail a b", "aws sqs receive-message --queue-url x --visibility-timeout y"):
        if not list(check(session, wrong)):
            print(f"a wrong command passed: {wrong}", file=sys.stderr)
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
    print(f"{seen} commands of the AWS CLI match the services' models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
