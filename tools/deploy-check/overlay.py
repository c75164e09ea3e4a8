"""Turns template.yaml into what the emulator can deploy.

The production template is the only source; nothing in it is weaker for the emulator's sake. Each
change stands here, with its reason, and fails when there is nothing left to change.
"""

import sys
from pathlib import Path

import yaml


class Tagged:
    """A value with a tag of CloudFormation's, such as !Ref, kept as it is."""

    def __init__(self, tag, value):
        self.tag, self.value = tag, value


class Loader(yaml.SafeLoader):
    pass


class Dumper(yaml.SafeDumper):
    pass


def construct(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return Tagged("!" + suffix, value)


def represent(dumper, tagged):
    if isinstance(tagged.value, str):
        return dumper.represent_scalar(tagged.tag, tagged.value)
    if isinstance(tagged.value, list):
        return dumper.represent_sequence(tagged.tag, tagged.value, flow_style=True)
    return dumper.represent_mapping(tagged.tag, tagged.value)


Loader.add_multi_constructor("!", construct)
Dumper.add_representer(Tagged, represent)
# A date stays the string that it is.
Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def functions(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource["Properties"]


def without_canary(template):
    """The emulator has no CodeDeploy. Without a preference a release moves its alias at once."""
    found = [properties.pop("DeploymentPreference", None) for _, properties in functions(template)]
    return any(found)


def without_metric_math(template):
    """The emulator has no alarms over several metrics. Nothing that remains refers to one."""
    found = [name for name, resource in template["Resources"].items()
             if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]]
    for name in found:
        del template["Resources"][name]
    return found


def hurried_queue(template):
    """A message that cannot be applied reaches the dead-letter queue after 20 tries, 3 minutes
    apart. The check waits for one: it makes them 2 tries, 5 seconds apart."""
    queue = template["Resources"]["PaymentEventsQueue"]["Properties"]
    queue["VisibilityTimeout"] = 5
    queue["RedrivePolicy"]["maxReceiveCount"] = 2
    return True


def plain_number(template):
    """The emulator hands a parameter on as text, and its pollers of queues compare it with a
    number, in vain. CloudFormation makes it one."""
    event = template["Resources"]["PaymentsFunction"]["Properties"]["Events"]["PaymentEvents"]
    default = template["Parameters"]["PaymentsConcurrency"]["Default"]
    event["Properties"]["ScalingConfig"]["MaximumConcurrency"] = default
    return True


def here(template, root):
    """The built template lies elsewhere than the code."""
    template["Globals"]["Function"]["CodeUri"] = str(root)
    return True


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    template = yaml.load(source.read_text(encoding="utf-8"), Loader)
    root = source.resolve().parent
    changes = (
        without_canary, without_metric_math, hurried_queue, plain_number, lambda t: here(t, root))
    for change in changes:
        if not change(template):
            print(f"overlay: {change.__name__} changes nothing any more", file=sys.stderr)
            return 1
    text = yaml.dump(template, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
