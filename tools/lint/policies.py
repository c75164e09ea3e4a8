"""Checks tools/deploy/policy*.json, the rights of somebody who deploys.

AWS must know each action; each policy must fit into a managed policy; and for each kind of resource
that the templates make, the policies must allow what creates, reads and deletes it. So must they for
what a person deletes by hand after the end of a stack.
"""

import fnmatch
import json
import re
import sys
from pathlib import Path

import botocore.session
from samtranslator.yaml_helper import yaml_parse

POLICIES = sorted(Path("tools/deploy").glob("policy*.json"))
TEMPLATE = Path("template.yaml")
# IAM's quota for a managed policy, without white space.
CHARS_MAX = 6144
# Actions that are no operation of a service's API.
NO_OPERATION = {
    "apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT",
    "cloudformation:TagResource", "cloudformation:UntagResource", "execute-api:Invoke",
    "iam:PassRole",
    "lambda:PassCapacityProvider", "logs:CreateLogDelivery", "logs:DeleteLogDelivery",
    "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:UpdateLogDelivery", "s3:ListBucket",
    "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration",
}
# What creates, reads and deletes a resource of each kind.
NEEDED = {
    "AWS::ApiGatewayV2::Api": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::ApiMapping": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::Authorizer": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::DomainName": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::Integration": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::Route": "apigateway:POST apigateway:DELETE",
    "AWS::ApiGatewayV2::Stage": "apigateway:POST apigateway:DELETE logs:CreateLogDelivery",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard cloudwatch:DeleteDashboards",
    "AWS::EC2::EIP": "ec2:AllocateAddress ec2:ReleaseAddress",
    "AWS::EC2::InternetGateway": "ec2:CreateInternetGateway ec2:DeleteInternetGateway",
    "AWS::EC2::NatGateway": "ec2:CreateNatGateway ec2:DeleteNatGateway",
    "AWS::EC2::Route": "ec2:CreateRoute ec2:DeleteRoute",
    "AWS::EC2::RouteTable": "ec2:CreateRouteTable ec2:DeleteRouteTable",
    "AWS::EC2::SecurityGroup": "ec2:CreateSecurityGroup ec2:DeleteSecurityGroup",
    "AWS::EC2::SecurityGroupEgress":
        "ec2:AuthorizeSecurityGroupEgress ec2:RevokeSecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress":
        "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress",
    "AWS::EC2::Subnet": "ec2:CreateSubnet ec2:DeleteSubnet ec2:DescribeNetworkAcls",
    "AWS::EC2::SubnetRouteTableAssociation": "ec2:AssociateRouteTable ec2:DisassociateRouteTable",
    "AWS::EC2::VPC": "ec2:CreateVpc ec2:DeleteVpc ec2:DescribeNetworkAcls",
    # EC2 makes a private zone for an endpoint's names, with the caller's rights.
    "AWS::EC2::VPCEndpoint":
        "ec2:CreateVpcEndpoint ec2:DeleteVpcEndpoints route53:AssociateVPCWithHostedZone",
    "AWS::EC2::VPCGatewayAttachment": "ec2:AttachInternetGateway ec2:DetachInternetGateway",
    "AWS::IAM::ManagedPolicy":
        "iam:CreatePolicy iam:DeletePolicy iam:ListEntitiesForPolicy",
    "AWS::IAM::Policy": "iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy",
    "AWS::IAM::Role": "iam:CreateRole iam:DeleteRole iam:PutRolePolicy iam:PassRole",
    "AWS::KMS::Key": "kms:CreateKey kms:ScheduleKeyDeletion",
    "AWS::Lambda::CapacityProvider":
        "lambda:CreateCapacityProvider lambda:DeleteCapacityProvider lambda:PassCapacityProvider",
    "AWS::Lambda::EventInvokeConfig":
        "lambda:PutFunctionEventInvokeConfig lambda:DeleteFunctionEventInvokeConfig",
    "AWS::Lambda::Permission": "lambda:AddPermission lambda:RemovePermission",
    "AWS::Lambda::Url": "lambda:CreateFunctionUrlConfig lambda:DeleteFunctionUrlConfig",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup logs:DeleteLogGroup logs:PutRetentionPolicy",
    "AWS::RDS::DBCluster":
        "rds:CreateDBCluster rds:DeleteDBCluster rds:EnableHttpEndpoint "
        "secretsmanager:CreateSecret secretsmanager:TagResource",
    "AWS::RDS::DBClusterParameterGroup":
        "rds:CreateDBClusterParameterGroup rds:DeleteDBClusterParameterGroup",
    "AWS::RDS::DBInstance": "rds:CreateDBInstance rds:DeleteDBInstance",
    "AWS::RDS::DBProxy": "rds:CreateDBProxy rds:DeleteDBProxy",
    "AWS::RDS::DBProxyTargetGroup": "rds:RegisterDBProxyTargets rds:DeregisterDBProxyTargets",
    "AWS::RDS::DBSubnetGroup": "rds:CreateDBSubnetGroup rds:DeleteDBSubnetGroup",
    "AWS::SNS::Subscription": "sns:Subscribe sns:Unsubscribe",
    "AWS::SNS::Topic": "sns:CreateTopic sns:DeleteTopic sns:GetDataProtectionPolicy",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue sqs:DeleteQueue sqs:SetQueueAttributes",
    # SAM makes several resources of a function: its versions, trigger, schedule and deployments.
    "AWS::Serverless::Function":
        "lambda:CreateFunction lambda:PublishVersion lambda:CreateAlias "
        "lambda:CreateEventSourceMapping scheduler:CreateSchedule scheduler:DeleteSchedule "
        "codedeploy:CreateApplication codedeploy:CreateDeploymentGroup codedeploy:CreateDeployment "
        "s3:GetObject",
    # Invoking the migration is the function's own right.
    "Custom::DatabaseMigration": "lambda:InvokeFunction",
}
# What docs/deploy.md, "The end", deletes by hand: an action, and the end of the ARN of an example.
BY_HAND = {
    "logs:DeleteLogGroup": "log-group:/aws/rds/cluster/holdfast-databasecluster-x/postgresql",
    "rds:DeleteDBClusterSnapshot": "cluster-snapshot:holdfast-snapshot-databasecluster-x",
    "secretsmanager:DeleteSecret": "secret:holdfast/webhooks-AbCdEf",
    "sqs:DeleteQueue": "holdfast-PaymentEventsQueue-x",
}


def listed(value):
    return [value] if isinstance(value, str) else value


def actions(policy):
    for statement in policy["Statement"]:
        yield from listed(statement["Action"])


def allows(policies, action, name):
    """Whether a statement allows the action on the resource of this name."""
    arn = f"arn:aws:{action.split(':')[0]}:eu-west-1:123456789012:{name}"
    return any(
        any(fnmatch.fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatch.fnmatchcase(arn, pattern) for pattern in listed(statement["Resource"]))
        for policy in policies.values() for statement in policy["Statement"])


def unknown(session, action):
    """Whether AWS has no such action. A pattern must fit at least one operation."""
    service, name = action.split(":")
    if action in NO_OPERATION:
        return False
    operations = session.get_service_model(service).operation_names
    return not fnmatch.filter(operations, name)


def check(policies, resources):
    session = botocore.session.get_session()
    for path, policy in policies.items():
        size = len(re.sub(r"\s", "", json.dumps(policy)))
        if size > CHARS_MAX:
            yield f"{path}: {size} characters; a managed policy has at most {CHARS_MAX}"
        for action in actions(policy):
            if unknown(session, action):
                yield f"{path}: AWS has no action {action}"
    allowed = [action for policy in policies.values() for action in actions(policy)]
    for kind in sorted({resource["Type"] for resource in resources.values()}):
        if kind not in NEEDED:
            yield f"{kind}: tools/lint/policies.py does not know what creates it"
        for action in NEEDED.get(kind, "").split():
            if not any(fnmatch.fnmatchcase(action, pattern) for pattern in allowed):
                yield f"{kind}: the policies lack {action}"
    for action, name in BY_HAND.items():
        if not allows(policies, action, name):
            yield f"the policies do not allow {action} on {name}"


def main():
    policies = {str(path): json.loads(path.read_text(encoding="utf-8")) for path in POLICIES}
    resources = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    # These must fail, or the check does not work.
    wrong = {"x": {"Statement": [
        {"Action": ["sqs:MakeQueue", "sqs:CreateQueue"], "Resource": "*"},
        {"Action": "secretsmanager:DeleteSecret", "Resource": "arn:aws:secretsmanager:*:*:secret:rds!*"},
    ]}}
    mistakes = list(check(wrong, {"Q": {"Type": "AWS::SQS::Queue"}, "X": {"Type": "AWS::No::Kind"}}))
    if len(mistakes) != 4 + len(BY_HAND):
        print(f"the check does not find what is wrong: {mistakes}", file=sys.stderr)
        return 1
    found = list(check(policies, resources))
    for line in found:
        print(line, file=sys.stderr)
    if found or not policies:
        return 1
    print(f"{len(policies)} policies allow what the template needs, and no unknown action")
    return 0


if __name__ == "__main__":
    sys.exit(main())
