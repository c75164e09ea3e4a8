"""What is left of a run: found by its name and its tag, and deleted. Nothing else is touched."""

from botocore.exceptions import BotoCoreError, ClientError


def pages(client, operation, key, **arguments):
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def queues(account, stack):
    sqs = account.client("sqs")
    return {url: lambda url=url: sqs.delete_queue(QueueUrl=url)
            for url in pages(sqs, "list_queues", "QueueUrls", QueueNamePrefix=f"{stack}-")}


def snapshots(account, stack):
    rds = account.client("rds")
    found = pages(rds, "describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")
    names = [snapshot["DBClusterSnapshotIdentifier"] for snapshot in found
             if snapshot["DBClusterIdentifier"].startswith(f"{stack}-")]
    return {name: lambda name=name: rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
            for name in names}


def log_groups(account, stack):
    logs = account.client("logs")
    names = []
    for prefix in (f"/aws/lambda/{stack}-", f"/aws/vendedlogs/apigateway/{stack}",
                   f"/aws/rds/cluster/{stack}-"):
        found = pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
        names += [group["logGroupName"] for group in found]
    return {name: lambda name=name: logs.delete_log_group(logGroupName=name) for name in names}


def secrets(account, stack):
    keeper = account.client("secretsmanager")
    filters = [{"Key": "name", "Values": [f"holdfast/{stack}/"]}]
    names = [secret["ARN"] for secret in pages(keeper, "list_secrets", "SecretList", Filters=filters)]
    return {arn: lambda arn=arn: keeper.delete_secret(
        SecretId=arn, ForceDeleteWithoutRecovery=True) for arn in names}


def roles(account, stack):
    iam = account.client("iam")

    def remove(name):
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        for policy in attached:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)

    found = pages(iam, "list_roles", "Roles", PathPrefix=f"/{stack}/")
    return {role["RoleName"]: lambda name=role["RoleName"]: remove(name) for role in found}


def functions(account, stack):
    found = pages(account.client("lambda"), "list_functions", "Functions")
    return {function["FunctionName"]: None for function in found
            if function["FunctionName"].startswith(f"{stack}-")}


def clusters(account, stack):
    found = pages(account.client("rds"), "describe_db_clusters", "DBClusters")
    return {cluster["DBClusterIdentifier"]: None for cluster in found
            if cluster["DBClusterIdentifier"].startswith(f"{stack}-")}


def networks(account, stack):
    filters = [{"Name": "tag:holdfast-check", "Values": [stack]}]
    found = pages(account.client("ec2"), "describe_vpcs", "Vpcs", Filters=filters)
    return {vpc["VpcId"]: None for vpc in found}


# In the order of deletion. Those without a way to delete belong to the stack: they need a person.
KINDS = (queues, snapshots, log_groups, secrets, roles, functions, clusters, networks)


def find(account, stack, kinds=KINDS):
    """{kind: {name: how to delete it, or None}}"""
    return {kind.__name__: listed(kind, account, stack) for kind in kinds}


def listed(kind, account, stack):
    """What there is of a kind. If AWS does not list it, one entry that nobody can delete says why."""
    try:
        return kind(account, stack)
    except (BotoCoreError, ClientError) as failure:
        reason = failure

    def unknown():
        raise reason

    return {"not listed": unknown}


def remove(found):
    """Deletes what it can. Returns what stays, with the reason."""
    stays = {}
    for kind, entries in found.items():
        for name, delete in entries.items():
            try:
                if delete is None:
                    stays[f"{kind}: {name}"] = "belongs to the stack: delete the stack again"
                else:
                    delete()
            # Whatever it is, the others still go.
            except Exception as error:
                stays[f"{kind}: {name}"] = str(error)
    return stays
