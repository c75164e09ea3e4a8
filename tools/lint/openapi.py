"""Checks openapi.yaml: the standard, every example against its schema, and rules of this project.

No general linter knows these rules: limits on all input, one schema and one example for each
problem, a request id in every answer.
"""

import re
import sys
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
PROBLEM_TYPE = "urn:holdfast:problem:"
URI = "urn:openapi"
# Only an answer has one: a client that sends a made-up cursor is refused.
CURSOR = {"$ref": "#/components/schemas/Cursor"}


class StrictLoader(yaml.SafeLoader):
    """Rejects duplicate keys, and leaves times as strings."""

    yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is here twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


class Document:
    """The document and the findings."""

    def __init__(self, root):
        self.root = root
        self.found = []
        self.checked = 0
        resource = Resource.from_contents(root, default_specification=DRAFT202012)
        self.registry = Registry().with_resource(URI, resource)

    def wrong(self, path, what):
        self.found.append(f"{pointer(path)}: {what}")

    def follow(self, path):
        """The node at a path, and the path that it really has once its $ref is followed."""
        node = self.root
        for step in path:
            node = node[step]
        if isinstance(node, dict) and str(node.get("$ref", "")).startswith("#/"):
            return self.follow(tuple(unescape(s) for s in node["$ref"][2:].split("/")))
        return node, tuple(path)

    def fits(self, value, schema_path):
        validator = Draft202012Validator(
            {"$ref": f"{URI}#{pointer(schema_path)}"},
            registry=self.registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return list(validator.iter_errors(value))


def pointer(path):
    return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in path)


def unescape(step):
    return step.replace("~1", "/").replace("~0", "~")


def walk(node, path=()):
    yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in items:
        if isinstance(child, (dict, list)):
            yield from walk(child, (*path, key))


def operations(doc):
    for url, item in doc.root["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {url}", ("paths", url, method), item[method]


def check_references(doc):
    for path, node in walk(doc.root):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                doc.follow(path)
            except (KeyError, IndexError, TypeError):
                doc.wrong(path, f"{node['$ref']} leads nowhere")


def check_standard(doc):
    for error in OpenAPIV31SpecValidator(doc.root).iter_errors():
        doc.wrong(tuple(error.absolute_path), error.message.splitlines()[0][:300])


def check_examples(doc):
    """Every media type, parameter and header has an example that fits; a cursor may have none."""
    for path, node in walk(doc.root):
        if "examples" in path or not isinstance(node, dict) or "schema" not in node:
            continue
        if path[0] == "components" and path[1] == "schemas":
            continue
        if "example" not in node and "examples" not in node and node["schema"] != CURSOR:
            doc.wrong(path, "has no example")
        if "example" in node:
            check_example(doc, (*path, "example"), node["example"], (*path, "schema"))
        for name in node.get("examples", {}):
            example, _ = doc.follow((*path, "examples", name))
            check_example(doc, (*path, "examples", name), example["value"], (*path, "schema"))


def check_example(doc, path, value, schema_path):
    doc.checked += 1
    for error in doc.fits(value, schema_path):
        where = error.json_path.removeprefix("$").lstrip(".") or "the value"
        doc.wrong(path, f"{where}: {error.message}"[:300])


def check_operations(doc):
    seen = set()
    tags = {tag["name"] for tag in doc.root["tags"]}
    for name, path, operation in operations(doc):
        for key in ("operationId", "summary", "description", "tags"):
            if not operation.get(key):
                doc.wrong(path, f"{name} has no {key}")
        operation_id = operation.get("operationId", "")
        if not re.fullmatch(r"[a-z]+_[a-z_]+", operation_id):
            doc.wrong(path, f"operationId {operation_id!r} is not noun_verb")
        if operation_id in seen:
            doc.wrong(path, f"operationId {operation_id!r} is taken")
        seen.add(operation_id)
        for tag in set(operation.get("tags", [])) - tags:
            doc.wrong(path, f"tag {tag!r} is not declared")
        check_answers(doc, path, operation)


def check_answers(doc, path, operation):
    for status in operation["responses"]:
        answer, at = doc.follow((*path, "responses", status))
        types = set(answer.get("content", {}))
        if types == {"application/json"} and status == "401":
            continue  # from API Gateway
        if status == "401":
            types -= {"application/json"}  # from API Gateway or from the function
        if "x-request-id" not in answer.get("headers", {}):
            doc.wrong(at, "has no x-request-id header")
        wanted = "application/json" if status < "400" else "application/problem+json"
        if status < "400" and types == {"text/csv", "application/jsonl"}:
            continue  # lines, in the requested format
        if types != {wanted}:
            doc.wrong(at, f"is not {wanted}")
            continue
        if status == "503" and "Retry-After" not in answer["headers"]:
            doc.wrong(at, "has no Retry-After header")
        if status >= "400":
            check_problem_answer(doc, (*at, "content", wanted), status, answer)


def check_problem_answer(doc, path, status, answer):
    """Each possible problem has this status, an example, and a line in the description."""
    media, _ = doc.follow(path)
    variants = media["schema"].get("oneOf", [media["schema"]])
    codes = {}
    for variant in variants:
        name = variant["$ref"].rsplit("/", 1)[-1]
        parts = doc.root["components"]["schemas"][name]["allOf"][1]["properties"]
        codes[parts["code"]["const"]] = parts["status"]["const"]
    shown = {doc.follow((*path, "examples", e))[0]["value"].get("code") for e in media["examples"]}
    told = re.findall(r"^- `([a-z_]+)`:", answer["description"], re.MULTILINE)
    for code, of in codes.items():
        if str(of) != status:
            doc.wrong(path, f"{code} has status {of}, not {status}")
        if code not in shown:
            doc.wrong(path, f"{code} has no example")
    if told != list(codes):
        doc.wrong(path, f"its description lists {told}, its schema {list(codes)}")


def check_problems(doc):
    for name, schema in doc.root["components"]["schemas"].items():
        if not name.endswith("Problem") or name == "Problem":
            continue
        path = ("components", "schemas", name)
        parts = schema["allOf"][1]["properties"]
        code = parts["code"]["const"]
        if parts["type"]["const"] != PROBLEM_TYPE + code:
            doc.wrong(path, f"its type is not {PROBLEM_TYPE}{code}")
        if name.removesuffix("Problem") != code.title().replace("_", ""):
            doc.wrong(path, f"is not named after its code {code}")


def check_requests(doc):
    """All input is closed and bounded, except webhooks, which the gateways define."""
    for _, path, operation in operations(doc):
        if operation["tags"] == ["webhook"]:
            continue
        for media in operation.get("requestBody", {}).get("content", {}):
            check_bounded(doc, (*path, "requestBody", "content", media, "schema"))
        for kind in (path, path[:-1]):
            for i, _ in enumerate(doc.follow(kind)[0].get("parameters", [])):
                _, at = doc.follow((*kind, "parameters", i))
                check_bounded(doc, (*at, "schema"))


def check_bounded(doc, path):
    schema, at = doc.follow(path)
    kind = schema.get("type")
    wanted = {
        "string": ({"maxLength"}, {"pattern"}, {"enum"}, {"format"}),
        "integer": ({"minimum", "maximum"},),
        "array": ({"minItems", "maxItems"},),
        "object": ({"additionalProperties"}, {"maxProperties"}),
        "boolean": (set(),),
    }.get(kind)
    if wanted is None:
        doc.wrong(at, f"type {kind!r} in a request: no rule for its bounds")
        return
    if not any(keys <= schema.keys() for keys in wanted):
        doc.wrong(at, f"is not bounded: needs {' or '.join(', '.join(sorted(k)) for k in wanted)}")
    # A map with free keys has a limit on their number. Every other object is closed.
    if kind == "object" and schema.get("additionalProperties") is not ("maxProperties" in schema):
        doc.wrong(at, "accepts unknown fields")
    for name in schema.get("properties", {}):
        check_bounded(doc, (*at, "properties", name))
    if "items" in schema:
        check_bounded(doc, (*at, "items"))


def check_used(doc):
    used = {node["$ref"] for _, node in walk(doc.root)
            if isinstance(node, dict) and isinstance(node.get("$ref"), str)}
    for kind, entries in doc.root["components"].items():
        if kind == "securitySchemes":
            continue
        for name in entries:
            if f"#{pointer(('components', kind, name))}" not in used:
                doc.wrong(("components", kind, name), "is not used")


def lint(text):
    try:
        root = yaml.load(text, StrictLoader)
    except yaml.YAMLError as error:
        return [str(error)], 0
    doc = Document(root)
    # Each step relies on the one before.
    our_rules = (check_examples, check_operations, check_problems, check_requests, check_used)
    for step in ((check_references,), (check_standard,), our_rules):
        for check in step:
            check(doc)
        if doc.found:
            break
    return doc.found, doc.checked


def main():
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "openapi.yaml")
    found, checked = lint(path.read_text(encoding="utf-8"))
    for line in found:
        print(f"{path}: {line}", file=sys.stderr)
    if found:
        print(f"{path}: {len(found)} found", file=sys.stderr)
        return 1
    print(f"{path} follows OpenAPI 3.1 and our rules; {checked} examples fit their schemas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
