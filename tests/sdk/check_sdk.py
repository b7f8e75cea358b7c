"""Drives a sandbox with the official Databricks SDK for Python, unmodified, through every kind it serves.

For each kind: create, read, list, update where the API has it, delete, and the typed errors of duplicates,
missing objects and a client that may only read. One line per kind; exit code 1 if one of them fails.

    python check_sdk.py --url http://127.0.0.1:8080 --account-id ... --client-id ... --client-secret ... \
        [--read-only-id ... --read-only-secret ...] [--admin-token ...]

With the sandbox's admin token, faults are set too: what the SDK retries, and what it then sees.
"""

import argparse
import json
import sys
import time
import traceback
import urllib.request
import uuid

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import platform as errors
from databricks.sdk.service import billing, catalog, compute, iam, provisioning, settings

REGION = "us-west-2"
CONFLICTS = (errors.ResourceConflict, errors.AlreadyExists, errors.ResourceAlreadyExists)
MISSING = "00000000-0000-4000-8000-000000000000"
KINDS = []


def kind(function):
    """Registers a check under its name; they run in the order of the file."""
    KINDS.append(function)
    return function


def refused(expected, call, *args, **kwargs):
    """The call must fail with one of the expected SDK errors."""
    try:
        call(*args, **kwargs)
    except expected as error:
        return error
    raise AssertionError(f"{call.__qualname__} was not refused")


def same(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def until_gone(call, *args):
    for _ in range(600):
        try:
            call(*args)
        except errors.NotFound:
            return
        time.sleep(0.5)
    raise AssertionError("still there")


class Stage:
    """The clients, and the ids that one kind leaves for the next."""

    def __init__(self, options):
        self.options = options
        self.tag = uuid.uuid4().hex[:8]
        common = {"host": options.url, "account_id": options.account_id, "config_file": "/dev/null"}
        writer = {"client_id": options.client_id, "client_secret": options.client_secret}
        reader = {"client_id": options.read_only_id, "client_secret": options.read_only_secret}
        self.account = AccountClient(**common, **writer)
        self.reader = AccountClient(**common, **reader) if options.read_only_id else None
        self._common, self._writer, self._reader = common, writer, reader

    def open_workspace(self, workspace_id):
        common = {**self._common, "workspace_id": str(workspace_id)}
        self.workspace = WorkspaceClient(**common, **self._writer)
        self.workspace_reader = WorkspaceClient(**common, **self._reader) if self.reader else None

    def admin(self, method, path, body=None):
        """Asks the sandbox itself, on the side."""
        request = urllib.request.Request(
            f"{self.options.url}/__sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.options.admin_token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def denied(self, pick, *args, **kwargs):
        """What the read-only client may not do. `pick` takes a client to the method."""
        client = self.reader if "workspace" not in pick.__code__.co_varnames else self.workspace_reader
        if client is not None:
            refused(errors.PermissionDenied, pick(client), *args, **kwargs)


@kind
def sign_in(stage):
    options = stage.options
    wrong = AccountClient(
        host=options.url,
        account_id=options.account_id,
        client_id=options.client_id,
        client_secret="wrong",
        config_file="/dev/null",
    )
    error = refused(ValueError, lambda: list(wrong.credentials.list()))
    assert "invalid_client" in str(error), error
    made_up = WorkspaceClient(host=options.url, token="made-up", workspace_id="1", config_file="/dev/null")
    refused(errors.Unauthenticated, made_up.current_user.me)


@kind
def credentials(stage):
    api, name = stage.account.credentials, f"cred-{stage.tag}"
    role = provisioning.CreateCredentialAwsCredentials(
        sts_role=provisioning.CreateCredentialStsRole(role_arn="arn:aws:iam::123456789012:role/cross-account")
    )
    made = api.create(credentials_name=name, aws_credentials=role)
    same(made.aws_credentials.sts_role.role_arn, role.sts_role.role_arn)
    refused(CONFLICTS, api.create, credentials_name=name, aws_credentials=role)
    same(api.get(made.credentials_id).credentials_name, name)
    assert made.credentials_id in [item.credentials_id for item in api.list()]
    refused(errors.NotFound, api.get, MISSING)
    refused(errors.NotFound, api.delete, MISSING)
    stage.denied(lambda a: a.credentials.create, credentials_name=f"{name}-2", aws_credentials=role)
    spare = api.create(credentials_name=f"{name}-spare", aws_credentials=role)
    api.delete(spare.credentials_id)
    refused(errors.NotFound, api.get, spare.credentials_id)
    stage.credentials_id = made.credentials_id


@kind
def storage_configurations(stage):
    api, name = stage.account.storage, f"root-{stage.tag}"
    bucket = provisioning.RootBucketInfo(bucket_name="root-bucket")
    made = api.create(storage_configuration_name=name, root_bucket_info=bucket)
    refused(CONFLICTS, api.create, storage_configuration_name=name, root_bucket_info=bucket)
    same(api.get(made.storage_configuration_id).root_bucket_info.bucket_name, "root-bucket")
    assert made.storage_configuration_id in [item.storage_configuration_id for item in api.list()]
    refused(errors.NotFound, api.get, MISSING)
    stage.denied(lambda a: a.storage.delete, made.storage_configuration_id)
    spare = api.create(storage_configuration_name=f"{name}-spare", root_bucket_info=bucket)
    api.delete(spare.storage_configuration_id)
    refused(errors.NotFound, api.get, spare.storage_configuration_id)
    stage.storage_configuration_id = made.storage_configuration_id


@kind
def vpc_endpoints(stage):
    api, name = stage.account.vpc_endpoints, f"rest-{stage.tag}"

    def make(name):
        aws = f"vpce-{uuid.uuid4().hex[:17]}"
        return api.create(vpc_endpoint_name=name, aws_vpc_endpoint_id=aws, region=REGION)

    made = make(name)
    assert made.state in ("pending", "available"), made.state
    refused(CONFLICTS, make, name)
    for _ in range(600):
        if api.get(made.vpc_endpoint_id).state == "available":
            break
        time.sleep(0.5)
    same(api.get(made.vpc_endpoint_id).state, "available")
    relay = make(f"relay-{stage.tag}")
    same(relay.use_case, provisioning.EndpointUseCase.DATAPLANE_RELAY_ACCESS)
    assert {made.vpc_endpoint_id, relay.vpc_endpoint_id} <= {item.vpc_endpoint_id for item in api.list()}
    refused(errors.NotFound, api.get, MISSING)
    stage.denied(lambda a: a.vpc_endpoints.delete, made.vpc_endpoint_id)
    stage.endpoints = provisioning.NetworkVpcEndpoints(
        rest_api=[made.vpc_endpoint_id], dataplane_relay=[relay.vpc_endpoint_id]
    )


@kind
def networks(stage):
    api, name = stage.account.networks, f"net-{stage.tag}"

    def make(name, part):
        return api.create(
            network_name=name,
            vpc_id="vpc-1",
            subnet_ids=[f"subnet-{stage.tag}-{part}a", f"subnet-{stage.tag}-{part}b"],
            security_group_ids=[f"sg-{stage.tag}-{part}"],
            vpc_endpoints=stage.endpoints if part == "1" else None,
        )

    made = make(name, "1")
    same(made.vpc_status, provisioning.VpcStatus.UNATTACHED)
    refused(CONFLICTS, make, name, "2")
    refused(CONFLICTS, make, f"{name}-2", "1")
    same(api.get(made.network_id).network_name, name)
    assert made.network_id in [item.network_id for item in api.list()]
    refused(errors.NotFound, api.get, MISSING)
    refused(errors.ResourceConflict, stage.account.vpc_endpoints.delete, stage.endpoints.rest_api[0])
    refused(errors.BadRequest, api.create, network_name="bad", vpc_id="v", subnet_ids=["one"])
    stage.denied(lambda a: a.networks.delete, made.network_id)
    spare = make(f"{name}-spare", "3")
    api.delete(spare.network_id)
    refused(errors.NotFound, api.get, spare.network_id)
    stage.network_id = made.network_id


@kind
def private_access_settings(stage):
    api, name = stage.account.private_access, f"pas-{stage.tag}"
    made = api.create(private_access_settings_name=name, region=REGION, public_access_enabled=False)
    same(made.public_access_enabled, False)
    same(made.private_access_level, provisioning.PrivateAccessLevel.ACCOUNT)
    refused(CONFLICTS, api.create, private_access_settings_name=name, region=REGION)
    api.replace(
        made.private_access_settings_id,
        provisioning.PrivateAccessSettings(
            private_access_settings_name=name, region=REGION, public_access_enabled=True
        ),
    )
    same(api.get(made.private_access_settings_id).public_access_enabled, True)
    assert made.private_access_settings_id in [item.private_access_settings_id for item in api.list()]
    refused(errors.NotFound, api.get, MISSING)
    stage.denied(lambda a: a.private_access.delete, made.private_access_settings_id)
    spare = api.create(private_access_settings_name=f"{name}-spare", region=REGION)
    api.delete(spare.private_access_settings_id)
    refused(errors.NotFound, api.get, spare.private_access_settings_id)
    stage.private_access_settings_id = made.private_access_settings_id


@kind
def customer_managed_keys(stage):
    api = stage.account.encryption_keys
    both = [provisioning.KeyUseCase.MANAGED_SERVICES, provisioning.KeyUseCase.STORAGE]

    def make(cases):
        arn = f"arn:aws:kms:{REGION}:123456789012:key/{stage.tag}"
        return api.create(cases, aws_key_info=provisioning.CreateAwsKeyInfo(key_arn=arn))

    made = make(both)
    same(made.aws_key_info.reuse_key_for_cluster_volumes, True)
    refused(CONFLICTS, make, both)
    same(api.get(made.customer_managed_key_id).use_cases, both)
    assert made.customer_managed_key_id in [item.customer_managed_key_id for item in api.list()]
    refused(errors.NotFound, api.get, MISSING)
    stage.denied(lambda a: a.encryption_keys.delete, made.customer_managed_key_id)
    spare = make(both[:1])
    api.delete(spare.customer_managed_key_id)
    refused(errors.NotFound, api.get, spare.customer_managed_key_id)
    stage.key_id = made.customer_managed_key_id


@kind
def network_connectivity_configs(stage):
    api, name = stage.account.network_connectivity, f"ncc-{stage.tag}"

    def make(name):
        return api.create_network_connectivity_configuration(
            settings.CreateNetworkConnectivityConfiguration(name=name, region=REGION)
        )

    made = make(name)
    ncc = made.network_connectivity_config_id
    assert made.egress_config.default_rules.aws_stable_ip_rule.cidr_blocks
    refused(CONFLICTS, make, name)
    refused(errors.BadRequest, make, "x")
    spare = [make(f"{name}-{n}").network_connectivity_config_id for n in range(3)]
    listed = [item.network_connectivity_config_id for item in api.list_network_connectivity_configurations()]
    assert {ncc, *spare} <= set(listed) and len(listed) == len(set(listed))
    target = settings.CreatePrivateEndpointRule(resource_names=["bucket"])
    rule = api.create_private_endpoint_rule(ncc, target)
    same(api.get_private_endpoint_rule(ncc, rule.rule_id).resource_names, ["bucket"])
    api.update_private_endpoint_rule(
        ncc, rule.rule_id, settings.UpdatePrivateEndpointRule(enabled=False), update_mask="enabled"
    )
    same([item.enabled for item in api.list_private_endpoint_rules(ncc)], [False])
    api.delete_private_endpoint_rule(ncc, rule.rule_id)
    for one in spare:
        api.delete_network_connectivity_configuration(one)
    refused(errors.NotFound, api.get_network_connectivity_configuration, spare[0])
    stage.denied(lambda a: a.network_connectivity.delete_network_connectivity_configuration, ncc)
    stage.ncc = ncc


@kind
def network_policies(stage):
    api, name = stage.account.network_policies, f"np-{stage.tag}"
    mode = settings.EgressNetworkPolicyNetworkAccessPolicyRestrictionMode
    access = settings.EgressNetworkPolicyNetworkAccessPolicy

    def policy(mode):
        egress = settings.NetworkPolicyEgress(network_access=access(restriction_mode=mode))
        return settings.AccountNetworkPolicy(network_policy_id=name, egress=egress)

    made = api.create_network_policy_rpc(policy(mode.RESTRICTED_ACCESS))
    same(made.network_policy_id, name)
    refused(CONFLICTS, api.create_network_policy_rpc, policy(mode.RESTRICTED_ACCESS))
    api.update_network_policy_rpc(name, policy(mode.FULL_ACCESS))
    same(api.get_network_policy_rpc(name).egress.network_access.restriction_mode, mode.FULL_ACCESS)
    assert {name, "default-policy"} <= {item.network_policy_id for item in api.list_network_policies_rpc()}
    refused(errors.BadRequest, api.delete_network_policy_rpc, "default-policy")
    refused(errors.NotFound, api.get_network_policy_rpc, "nobody")
    stage.denied(lambda a: a.network_policies.delete_network_policy_rpc, name)
    stage.network_policy = name


@kind
def groups(stage):
    api = stage.account.groups_v2
    name = f"Clinicians {stage.tag}"
    made = api.create(display_name=name, external_id="ext")
    refused(CONFLICTS, api.create, display_name=name.upper())
    user = stage.account.users_v2.create(user_name=f"nurse.{stage.tag}@example.com")
    refused(CONFLICTS, stage.account.users_v2.create, user_name=f"nurse.{stage.tag}@example.com")
    sp = stage.account.service_principals_v2.create(display_name=f"robot-{stage.tag}")
    assert sp.application_id
    schemas = [iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    add = iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": user.id}, {"value": sp.id}])
    api.patch(made.id, operations=[add], schemas=schemas)
    same({member.value for member in api.get(made.id).members}, {user.id, sp.id})
    remove = iam.Patch(op=iam.PatchOp.REMOVE, path=f'members[value eq "{user.id}"]')
    api.patch(made.id, operations=[remove], schemas=schemas)
    same([member.value for member in api.get(made.id).members], [sp.id])
    others = [api.create(display_name=f"{name} {n}").id for n in range(4)]
    listed = [group.id for group in api.list()]
    assert {made.id, *others} <= set(listed) and len(listed) == len(set(listed))
    same([group.id for group in api.list(filter=f'displayName eq "{name}"')], [made.id])
    nurses = stage.account.users_v2.list(filter=f'userName eq "nurse.{stage.tag}@example.com"')
    same([item.id for item in nurses], [user.id])
    api.update(others[0], display_name=f"{name} renamed")
    same(api.get(others[0]).display_name, f"{name} renamed")
    for other in others:
        api.delete(other)
    refused(errors.NotFound, api.get, others[0])
    stage.denied(lambda a: a.groups_v2.create, display_name="nobody")
    stage.group, stage.group_id = name, made.id


@kind
def metastores(stage):
    api, name = stage.account.metastores, f"meta-{stage.tag}"

    def make(name, region):
        info = catalog.CreateAccountsMetastore(name=name, region=region)
        return api.create(metastore_info=info).metastore_info

    made = make(name, REGION)
    refused((*CONFLICTS, errors.BadRequest), make, f"{name}-2", REGION)
    refused(CONFLICTS, make, name, "eu-west-1")
    same(api.get(made.metastore_id).metastore_info.name, name)
    assert made.metastore_id in [item.metastore_id for item in api.list()]
    api.update(made.metastore_id, metastore_info=catalog.UpdateAccountsMetastore(owner=stage.group))
    same(api.get(made.metastore_id).metastore_info.owner, stage.group)
    refused(errors.NotFound, api.get, MISSING)
    stage.denied(lambda a: a.metastores.delete, made.metastore_id)
    rooted = api.create(
        metastore_info=catalog.CreateAccountsMetastore(
            name=f"{name}-root", region="eu-west-1", storage_root="s3://meta-root/"
        )
    ).metastore_info
    same(rooted.storage_root, f"s3://meta-root/{rooted.metastore_id}")
    api.delete(rooted.metastore_id, force=True)
    refused(errors.NotFound, api.get, rooted.metastore_id)
    stage.metastore_id = made.metastore_id


@kind
def workspaces(stage):
    api, name = stage.account.workspaces, f"ws-{stage.tag}"
    fields = {
        "aws_region": REGION,
        "credentials_id": stage.credentials_id,
        "storage_configuration_id": stage.storage_configuration_id,
    }
    wait = api.create(
        workspace_name=name,
        network_id=stage.network_id,
        private_access_settings_id=stage.private_access_settings_id,
        managed_services_customer_managed_key_id=stage.key_id,
        storage_customer_managed_key_id=stage.key_id,
        network_connectivity_config_id=stage.ncc,
        custom_tags={"site": "HRB01", "cost_center": "c1"},
        **fields,
    )
    made = wait.result()
    same(made.workspace_status, provisioning.WorkspaceStatus.RUNNING)
    assert made.deployment_name.startswith("dbc-"), made.deployment_name
    refused(CONFLICTS, api.create, workspace_name=name, **fields)
    refused(CONFLICTS, api.create, workspace_name=f"{name}-2", network_id=stage.network_id, **fields)
    dangling = {**fields, "credentials_id": MISSING}
    refused(errors.BadRequest, api.create, workspace_name=f"{name}-2", **dangling)
    same(stage.account.networks.get(stage.network_id).vpc_status, provisioning.VpcStatus.VALID)
    refused(errors.ResourceConflict, stage.account.credentials.delete, stage.credentials_id)
    refused(errors.ResourceConflict, stage.account.networks.delete, stage.network_id)
    changed = provisioning.Workspace(custom_tags={"site": "HRB02", "cost_center": "c1"})
    api.update(made.workspace_id, changed, update_mask="custom_tags").result()
    same(api.get(made.workspace_id).custom_tags["site"], "HRB02")
    wrong = provisioning.Workspace(aws_region="eu-west-1")
    refused(errors.BadRequest, api.update, made.workspace_id, wrong, update_mask="aws_region")
    assert made.workspace_id in [item.workspace_id for item in api.list()]
    refused(errors.NotFound, api.get, 1)
    stage.denied(lambda a: a.workspaces.delete, made.workspace_id)
    spare = api.create(workspace_name=f"{name}-spare", **fields).result()
    api.delete(spare.workspace_id)
    until_gone(api.get, spare.workspace_id)
    stage.workspace_id = made.workspace_id
    stage.open_workspace(made.workspace_id)


@kind
def workspace_network(stage):
    api = stage.account.workspace_network_configuration
    same(api.get_workspace_network_option_rpc(stage.workspace_id).network_policy_id, "default-policy")
    option = settings.WorkspaceNetworkOption(
        workspace_id=stage.workspace_id, network_policy_id=stage.network_policy
    )
    api.update_workspace_network_option_rpc(stage.workspace_id, option)
    same(api.get_workspace_network_option_rpc(stage.workspace_id).network_policy_id, stage.network_policy)
    refused(errors.BadRequest, stage.account.network_policies.delete_network_policy_rpc, stage.network_policy)
    stage.denied(
        lambda a: a.workspace_network_configuration.update_workspace_network_option_rpc,
        stage.workspace_id,
        option,
    )


@kind
def metastore_assignment(stage):
    api = stage.account.metastore_assignments
    refused(errors.NotFound, api.get, stage.workspace_id)
    refused(errors.NotFound, stage.workspace.catalogs.get, "anything")
    api.create(stage.workspace_id, stage.metastore_id)
    refused(CONFLICTS, api.create, stage.workspace_id, stage.metastore_id)
    same(api.get(stage.workspace_id).metastore_assignment.metastore_id, stage.metastore_id)
    same(list(api.list(stage.metastore_id)), [stage.workspace_id])
    api.update(
        stage.workspace_id,
        stage.metastore_id,
        metastore_assignment=catalog.UpdateMetastoreAssignment(
            workspace_id=stage.workspace_id, metastore_id=stage.metastore_id, default_catalog_name="main"
        ),
    )
    same(api.get(stage.workspace_id).metastore_assignment.default_catalog_name, "main")
    api.delete(stage.workspace_id, stage.metastore_id)
    refused(errors.NotFound, api.get, stage.workspace_id)
    api.create(stage.workspace_id, stage.metastore_id)
    same(stage.workspace.metastores.summary().metastore_id, stage.metastore_id)
    same(stage.workspace.metastores.current().workspace_id, stage.workspace_id)
    stage.denied(lambda a: a.metastore_assignments.delete, stage.workspace_id, stage.metastore_id)


@kind
def workspace_assignment(stage):
    api = stage.account.workspace_assignment
    api.update(stage.workspace_id, int(stage.group_id), permissions=[iam.WorkspacePermission.USER])
    listed = list(api.list(stage.workspace_id))
    same([item.principal.group_name for item in listed], [stage.group])
    same(listed[0].permissions, [iam.WorkspacePermission.USER])
    refused(errors.NotFound, api.update, stage.workspace_id, 1, permissions=[iam.WorkspacePermission.USER])
    api.delete(stage.workspace_id, int(stage.group_id))
    same(list(api.list(stage.workspace_id)), [])
    api.update(stage.workspace_id, int(stage.group_id), permissions=[iam.WorkspacePermission.ADMIN])
    assert api.get(stage.workspace_id).permissions
    stage.denied(lambda a: a.workspace_assignment.delete, stage.workspace_id, int(stage.group_id))


@kind
def me_and_workspace_groups(stage):
    client = stage.workspace
    same(client.current_user.me().user_name, stage.options.client_id)
    same(client.get_workspace_id(), stage.workspace_id)
    names = [group.display_name for group in client.groups_v2.list()]
    assert {"admins", "users", stage.group} <= set(names), names


@kind
def account_settings(stage):
    api = stage.account.settings.csp_enablement_account
    current = api.get()
    value = settings.CspEnablementAccount(
        is_enforced=True, compliance_standards=[settings.ComplianceStandard.HIPAA]
    )
    stale = settings.CspEnablementAccountSetting(csp_enablement_account=value, etag="stale")
    mask = "csp_enablement_account.is_enforced,csp_enablement_account.compliance_standards"
    error = refused(errors.ResourceConflict, api.update, True, stale, mask)
    fresh = error.get_error_details().error_info.metadata["etag"]
    same(fresh, current.etag)
    stale.etag = fresh
    done = api.update(True, stale, mask)
    same(done.csp_enablement_account, value)
    assert done.etag != fresh
    same(api.get().etag, done.etag)
    stale.etag = done.etag
    stage.denied(lambda a: a.settings.csp_enablement_account.update, True, stale, mask)


@kind
def workspace_settings(stage):
    api = stage.workspace.settings
    error = refused(errors.NotFound, api.default_namespace.get)
    setting = settings.DefaultNamespaceSetting(namespace=settings.StringMessage("prod"))
    error = refused(errors.ResourceConflict, api.default_namespace.update, True, setting, "namespace.value")
    setting.etag = error.get_error_details().error_info.metadata["etag"]
    done = api.default_namespace.update(True, setting, "namespace.value")
    same(api.default_namespace.get().namespace.value, "prod")
    refused(errors.ResourceConflict, api.default_namespace.delete, etag="stale")
    api.default_namespace.delete(etag=done.etag)
    refused(errors.NotFound, api.default_namespace.get)
    csp = api.compliance_security_profile.get()
    csp.compliance_security_profile_workspace = settings.ComplianceSecurityProfile(
        is_enabled=True, compliance_standards=[settings.ComplianceStandard.HIPAA]
    )
    mask = "compliance_security_profile_workspace"
    csp = api.compliance_security_profile.update(True, csp, mask)
    same(csp.compliance_security_profile_workspace.is_enabled, True)
    csp.compliance_security_profile_workspace.is_enabled = False
    refused(errors.InvalidState, api.compliance_security_profile.update, True, csp, mask)
    same(api.enhanced_security_monitoring.get().enhanced_security_monitoring_workspace.is_enabled, True)
    same(api.automatic_cluster_update.get().automatic_cluster_update_workspace.enabled, True)
    off = settings.EnableExportNotebook(boolean_val=settings.BooleanMessage(value=False))
    api.enable_export_notebook.patch_enable_export_notebook(True, off, "boolean_val.value")
    stage.denied(
        lambda workspace: workspace.settings.default_namespace.update, True, setting, "namespace.value"
    )


@kind
def storage_credentials(stage):
    api, name = stage.workspace.storage_credentials, f"Cred_{stage.tag}"
    role = catalog.AwsIamRoleRequest(role_arn="arn:aws:iam::123456789012:role/uc")
    made = api.create(name, aws_iam_role=role, comment="one", skip_validation=True)
    same(made.name, name.lower())
    assert made.aws_iam_role.external_id and made.aws_iam_role.unity_catalog_iam_arn
    refused(CONFLICTS, api.create, name, aws_iam_role=role)
    external = made.aws_iam_role.external_id
    other = catalog.AwsIamRoleRequest(role_arn="arn:aws:iam::123456789012:role/uc2")
    changed = api.update(name, aws_iam_role=other, comment="two")
    same((changed.aws_iam_role.role_arn, changed.aws_iam_role.external_id), (other.role_arn, external))
    same(api.get(name).comment, "two")
    spare = [api.create(f"spare_{n}_{stage.tag}", aws_iam_role=role).name for n in range(4)]
    listed = [item.name for item in api.list()]
    assert {made.name, *spare} <= set(listed) and len(listed) == len(set(listed)), listed
    for one in spare:
        api.delete(one)
    refused(errors.NotFound, api.get, spare[0])
    assert api.validate(storage_credential_name=name).results
    stage.denied(lambda workspace: workspace.storage_credentials.delete, name)
    stage.credential = made.name


@kind
def external_locations(stage):
    api, name, url = stage.workspace.external_locations, f"loc_{stage.tag}", f"s3://lake-{stage.tag}"
    made = api.create(name, f"{url}/clinical/", stage.credential, comment="c")
    same(made.url, f"{url}/clinical")
    refused(CONFLICTS, api.create, name, f"{url}/else", stage.credential)
    refused(errors.BadRequest, api.create, f"{name}_2", f"{url}/clinical/below", stage.credential)
    refused(errors.NotFound, api.create, f"{name}_2", f"{url}/else", "nobody")
    same(api.update(name, comment="d", read_only=True).read_only, True)
    same(api.get(name).comment, "d")
    spare = [api.create(f"spare_{n}_{stage.tag}", f"{url}/{n}", stage.credential).name for n in range(4)]
    assert {name, *spare} <= {item.name for item in api.list()}
    for one in spare:
        api.delete(one)
    refused(errors.NotFound, api.get, spare[0])
    refused(errors.BadRequest, stage.workspace.storage_credentials.delete, stage.credential)
    stage.denied(lambda workspace: workspace.external_locations.delete, name)
    stage.location, stage.url = name, made.url


@kind
def catalogs(stage):
    api, name = stage.workspace.catalogs, f"Prod_{stage.tag}"
    made = api.create(name, storage_root=f"{stage.url}/cat/", comment="c", properties={"site": "HRB01"})
    same((made.name, made.storage_root), (name.lower(), f"{stage.url}/cat"))
    same(made.isolation_mode, catalog.CatalogIsolationMode.OPEN)
    refused((*CONFLICTS, errors.BadRequest), api.create, name, storage_root=f"{stage.url}/cat")
    refused(errors.BadRequest, api.create, f"{name}_2", storage_root="s3://nowhere/x")
    refused(errors.BadRequest, api.create, f"{name}_2")
    refused(errors.BadRequest, api.create, "a.b", storage_root=f"{stage.url}/cat")
    refused(errors.NotFound, api.update, name, owner="nobody at all")
    same(api.update(name, owner=stage.group).owner, stage.group)
    isolated = api.update(name, isolation_mode=catalog.CatalogIsolationMode.ISOLATED, comment="d")
    same((isolated.isolation_mode, isolated.comment), (catalog.CatalogIsolationMode.ISOLATED, "d"))
    same(api.get(name.upper()).properties["site"], "HRB01")
    same([item.name for item in stage.workspace.schemas.list(made.name)], ["default", "information_schema"])
    spare = [api.create(f"spare_{n}_{stage.tag}", storage_root=f"{stage.url}/cat").name for n in range(4)]
    listed = [item.name for item in api.list()]
    assert {made.name, *spare} <= set(listed) and len(listed) == len(set(listed)), listed
    refused(errors.BadRequest, api.delete, spare[0])
    stage.workspace.schemas.delete(f"{spare[0]}.default")
    api.delete(spare[0])
    for one in spare[1:]:
        api.delete(one, force=True)
    refused(errors.NotFound, api.get, spare[0])
    refused(errors.BadRequest, stage.workspace.external_locations.delete, stage.location)
    stage.denied(lambda workspace: workspace.catalogs.create, "nobody")
    stage.catalog = made.name


@kind
def schemas(stage):
    api, full = stage.workspace.schemas, f"{stage.catalog}.silver"
    made = api.create("Silver", stage.catalog, comment="c")
    same((made.full_name, bool(made.schema_id)), (full, True))
    refused((*CONFLICTS, errors.BadRequest), api.create, "silver", stage.catalog)
    refused(errors.NotFound, api.create, "x", "no_catalog")
    same(api.update(full, comment="d").comment, "d")
    same(api.get(full).comment, "d")
    refused(errors.BadRequest, api.update, full)
    for number in range(4):
        api.create(f"s{number}", stage.catalog)
    listed = [item.name for item in api.list(stage.catalog)]
    same(sorted(listed), sorted(["default", "information_schema", "silver", "s0", "s1", "s2", "s3"]))
    for number in range(4):
        api.delete(f"{stage.catalog}.s{number}")
    refused(errors.NotFound, api.get, f"{stage.catalog}.s0")
    stage.denied(lambda workspace: workspace.schemas.delete, full)
    stage.schema = full


@kind
def volumes(stage):
    api, full = stage.workspace.volumes, f"{stage.schema}.landing"
    kinds = catalog.VolumeType
    made = api.create(stage.catalog, "silver", "Landing", kinds.MANAGED)
    same(made.full_name, full)
    assert made.storage_location.startswith(stage.url)
    refused((*CONFLICTS, errors.BadRequest), api.create, stage.catalog, "silver", "landing", kinds.MANAGED)
    where = f"{stage.url}/ext/"
    refused(
        errors.BadRequest, api.create, stage.catalog, "silver", "m", kinds.MANAGED, storage_location=where
    )
    outside = api.create(stage.catalog, "silver", "ext", kinds.EXTERNAL, storage_location=where)
    same(outside.storage_location, where.rstrip("/"))
    same(api.update(full, comment="d").comment, "d")
    same(api.read(full).comment, "d")
    same([item.name for item in api.list(stage.catalog, "silver")], ["ext", "landing"])
    refused(errors.BadRequest, stage.workspace.schemas.delete, stage.schema)
    api.delete(outside.full_name)
    refused(errors.NotFound, api.read, outside.full_name)
    stage.denied(lambda workspace: workspace.volumes.delete, full)


@kind
def grants(stage):
    api, name = stage.workspace.grants, stage.catalog
    privilege = catalog.Privilege

    def change(principal, add=None, remove=None):
        changes = [catalog.PermissionsChange(principal=principal, add=add, remove=remove)]
        return api.update("catalog", name, changes=changes)

    change(stage.group, add=[privilege.USE_CATALOG, privilege.SELECT])
    rows = api.get("catalog", name).privilege_assignments
    same([row.principal for row in rows], [stage.group])
    same(set(rows[0].privileges), {privilege.USE_CATALOG, privilege.SELECT})
    change(stage.group.upper(), add=[privilege.MODIFY], remove=[privilege.SELECT])
    rows = list(api.list("catalog", name))
    same(set(rows[0].privileges), {privilege.USE_CATALOG, privilege.MODIFY})
    refused(errors.BadRequest, change, stage.group, [privilege.SELECT], [privilege.SELECT])
    refused(errors.BadRequest, change, stage.group, [privilege.READ_FILES])
    refused(errors.NotFound, change, "nobody at all", [privilege.SELECT])
    refused(errors.NotFound, api.get, "catalog", "no_catalog")
    seen = api.get_effective("schema", stage.schema).privilege_assignments
    same({item.inherited_from_name for item in seen[0].privileges}, {name})
    stage.denied(
        lambda workspace: workspace.grants.update,
        "catalog",
        name,
        changes=[catalog.PermissionsChange(principal=stage.group, add=[privilege.SELECT])],
    )
    change(stage.group, remove=[privilege.ALL_PRIVILEGES])
    assert not api.get("catalog", name).privilege_assignments


@kind
def bindings(stage):
    api, name = stage.workspace.workspace_bindings, stage.catalog
    same([item.workspace_id for item in api.get_bindings("catalog", name)], [stage.workspace_id])
    fields = {
        "aws_region": REGION,
        "credentials_id": stage.credentials_id,
        "storage_configuration_id": stage.storage_configuration_id,
    }
    other = stage.account.workspaces.create(workspace_name=f"hub-{stage.tag}", **fields).result()
    stage.account.metastore_assignments.create(other.workspace_id, stage.metastore_id)
    hub = WorkspaceClient(**{**stage._common, "workspace_id": str(other.workspace_id)}, **stage._writer)
    refused(errors.PermissionDenied, hub.catalogs.get, name)
    assert name not in [item.name for item in hub.catalogs.list()]
    assert name in [item.name for item in hub.catalogs.list(include_unbound=True)]
    read_only = catalog.WorkspaceBinding(
        workspace_id=other.workspace_id,
        binding_type=catalog.WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY,
    )
    api.update_bindings("catalog", name, add=[read_only])
    same(hub.catalogs.get(name).name, name)
    bound = {item.workspace_id for item in api.get_bindings("catalog", name)}
    same(bound, {stage.workspace_id, other.workspace_id})
    api.update_bindings("catalog", name, remove=[read_only])
    refused(errors.PermissionDenied, hub.catalogs.get, name)
    refused(errors.BadRequest, api.update_bindings, "schema", stage.schema, add=[read_only])
    stage.denied(
        lambda workspace: workspace.workspace_bindings.update_bindings, "catalog", name, add=[read_only]
    )
    stage.account.workspaces.delete(other.workspace_id)
    until_gone(stage.account.workspaces.get, other.workspace_id)


@kind
def entity_tags(stage):
    api, name = stage.workspace.entity_tag_assignments, stage.catalog

    def tag(key, value):
        return catalog.EntityTagAssignment(
            entity_type="catalogs", entity_name=name, tag_key=key, tag_value=value
        )

    made = api.create(tag("data class", "phi"))
    assert made.update_time is not None
    refused(CONFLICTS, api.create, tag("data class", "phi"))
    refused(errors.BadRequest, api.create, tag("a.b", "x"))
    same(api.update("catalogs", name, "data class", tag("data class", "deid"), "tag_value").tag_value, "deid")
    same(api.get("catalogs", name, "data class").tag_value, "deid")
    for number in range(3):
        api.create(tag(f"k{number}", str(number)))
    same([item.tag_key for item in api.list("catalogs", name)], ["data class", "k0", "k1", "k2"])
    api.delete("catalogs", name, "data class")
    refused(errors.NotFound, api.get, "catalogs", name, "data class")
    refused(errors.NotFound, api.list("catalogs", "no_catalog").__next__)
    stage.denied(lambda workspace: workspace.entity_tag_assignments.create, tag("x", "y"))


@kind
def cluster_policies(stage):
    api, name = stage.workspace.cluster_policies, f"clinical-{stage.tag}"
    definition = '{"custom_tags.site": {"type": "fixed", "value": "HRB01"}}'
    made = api.create(name=name, definition=definition)
    refused(errors.InvalidParameterValue, api.create, name=name, definition=definition)
    refused(errors.InvalidParameterValue, api.create, name=f"{name}-2", definition="{not json")
    same(api.get(made.policy_id).definition, definition)
    api.edit(made.policy_id, name=f"{name}-renamed", definition="{}")
    same(api.get(made.policy_id).name, f"{name}-renamed")
    assert made.policy_id in [item.policy_id for item in api.list()]
    refused(errors.NotFound, api.get, "0000000000000000")
    stage.denied(lambda workspace: workspace.cluster_policies.delete, made.policy_id)
    stage.policy_id = made.policy_id


@kind
def object_permissions(stage):
    api, target = stage.workspace.permissions, ("cluster-policies", stage.policy_id)
    use = iam.PermissionLevel.CAN_USE
    entry = iam.AccessControlRequest(group_name=stage.group, permission_level=use)
    users = iam.AccessControlRequest(group_name="users", permission_level=use)
    api.set(*target, access_control_list=[entry])
    api.update(*target, access_control_list=[users])

    def direct():
        shown = api.get(*target).access_control_list
        return {
            item.group_name for item in shown if any(not one.inherited for one in item.all_permissions)
        }

    same(direct(), {stage.group, "users"})
    api.set(*target, access_control_list=[users])
    same(direct(), {"users"})
    admins = [item for item in api.get(*target).access_control_list if item.group_name == "admins"]
    same(admins[0].all_permissions[0].inherited, True)
    nobody = iam.AccessControlRequest(group_name="nobody", permission_level=use)
    refused(errors.NotFound, api.set, *target, access_control_list=[nobody])
    manage = iam.AccessControlRequest(group_name="users", permission_level=iam.PermissionLevel.CAN_RESTART)
    refused(errors.BadRequest, api.set, *target, access_control_list=[manage])
    refused(errors.NotFound, api.get, "cluster-policies", "0000000000000000")
    stage.denied(lambda workspace: workspace.permissions.set, *target, access_control_list=[users])
    assert api.get_permission_levels(*target).permission_levels
    stage.workspace.cluster_policies.delete(stage.policy_id)
    refused(errors.NotFound, stage.workspace.cluster_policies.get, stage.policy_id)


@kind
def log_delivery(stage):
    api = stage.account.log_delivery

    def make(name):
        return api.create(
            billing.CreateLogDeliveryConfigurationParams(
                log_type=billing.LogType.AUDIT_LOGS,
                output_format=billing.OutputFormat.JSON,
                credentials_id=stage.credentials_id,
                storage_configuration_id=stage.storage_configuration_id,
                config_name=name,
            )
        ).log_delivery_configuration

    one, two = make(f"audit-1-{stage.tag}"), make(f"audit-2-{stage.tag}")
    refused(errors.BadRequest, make, f"audit-3-{stage.tag}")
    same(api.get(one.config_id).log_delivery_configuration.status, billing.LogDeliveryConfigStatus.ENABLED)
    api.patch_status(one.config_id, billing.LogDeliveryConfigStatus.DISABLED)
    three = make(f"audit-3-{stage.tag}")
    refused(errors.BadRequest, api.patch_status, one.config_id, billing.LogDeliveryConfigStatus.ENABLED)
    listed = [item.config_id for item in api.list()]
    assert {one.config_id, two.config_id, three.config_id} <= set(listed)
    on = [item.config_id for item in api.list(status=billing.LogDeliveryConfigStatus.ENABLED)]
    assert one.config_id not in on and two.config_id in on
    refused(errors.NotFound, api.get, MISSING)
    off = billing.LogDeliveryConfigStatus.DISABLED
    stage.denied(lambda a: a.log_delivery.patch_status, two.config_id, off)
    for made in (two, three):
        api.patch_status(made.config_id, off)


@kind
def budgets(stage):
    api, name = stage.account.budgets, f"budget-{stage.tag}"

    def alert(threshold, cls, action):
        return cls(
            time_period=billing.AlertConfigurationTimePeriod.MONTH,
            trigger_type=billing.AlertConfigurationTriggerType.CUMULATIVE_SPENDING_EXCEEDED,
            quantity_type=billing.AlertConfigurationQuantityType.LIST_PRICE_DOLLARS_USD,
            quantity_threshold=threshold,
            action_configurations=[
                action(action_type=billing.ActionConfigurationType.EMAIL_NOTIFICATION, target="a@example.com")
            ],
        )

    def make(name):
        first = alert(
            "100",
            billing.CreateBudgetConfigurationBudgetAlertConfigurations,
            billing.CreateBudgetConfigurationBudgetActionConfigurations,
        )
        budget = billing.CreateBudgetConfigurationBudget(display_name=name, alert_configurations=[first])
        return api.create(budget).budget

    made = make(name)
    same(made.alert_configurations[0].quantity_threshold, "100.0000000000")
    assert made.alert_configurations[0].action_configurations[0].action_configuration_id
    refused(CONFLICTS, make, name)
    read = api.get(made.budget_configuration_id).budget
    alerts = read.alert_configurations
    alerts[0].quantity_threshold = "250.5"
    update = billing.UpdateBudgetConfigurationBudget(display_name=name, alert_configurations=alerts)
    same(
        api.update(made.budget_configuration_id, update).budget.alert_configurations[0].quantity_threshold,
        "250.5000000000",
    )
    alerts[0].alert_configuration_id = MISSING
    refused(errors.BadRequest, api.update, made.budget_configuration_id, update)
    spare = [make(f"{name}-{n}").budget_configuration_id for n in range(3)]
    assert {made.budget_configuration_id, *spare} <= {item.budget_configuration_id for item in api.list()}
    stage.denied(lambda a: a.budgets.delete, made.budget_configuration_id)
    for one in [made.budget_configuration_id, *spare]:
        api.delete(one)
    refused(errors.NotFound, api.get, made.budget_configuration_id)


@kind
def budget_policies(stage):
    api, name = stage.account.budget_policy, f"usage-{stage.tag}"
    tags = [compute.CustomPolicyTag(key=key, value="v") for key in ("site", "cost_center")]

    def make(name):
        return api.create(policy=billing.BudgetPolicy(policy_name=name, custom_tags=tags))

    made = make(name)
    refused(CONFLICTS, make, name)
    changed = billing.BudgetPolicy(policy_name=f"{name}-2", custom_tags=tags)
    same(api.update(made.policy_id, changed).policy_name, f"{name}-2")
    same(api.get(made.policy_id).policy_name, f"{name}-2")
    spare = [make(f"{name}-s{n}").policy_id for n in range(3)]
    assert {made.policy_id, *spare} <= {item.policy_id for item in api.list()}
    stage.denied(lambda a: a.budget_policy.delete, made.policy_id)
    for one in [made.policy_id, *spare]:
        api.delete(one)
    refused(errors.NotFound, api.get, made.policy_id)


@kind
def faults(stage):
    if not stage.options.admin_token:
        return
    path = f"/api/2.0/accounts/{stage.options.account_id}/scim/v2/Groups"
    kinds = [{"too_many": {"retry_after": 1}}, {"too_many": {}}, "unavailable"]
    for kind in kinds:
        stage.admin("POST", "faults", {"pattern": f"GET {path}*", "kind": kind})
    stage.admin("DELETE", "requests")
    assert stage.account.groups_v2.get(stage.group_id).display_name == stage.group
    statuses = [one["status"] for one in stage.admin("GET", "requests")["requests"]]
    same(statuses, [429, 429, 503, 200])
    stage.admin("POST", "faults", {"pattern": f"POST {path}", "kind": {"after_effect": {}}})
    name = f"lost {stage.tag}"
    refused(CONFLICTS, stage.account.groups_v2.create, display_name=name)
    lost = list(stage.account.groups_v2.list(filter=f'displayName eq "{name}"'))
    same(len(lost), 1)
    stage.account.groups_v2.delete(lost[0].id)


@kind
def teardown(stage):
    """Everything goes in the reverse order, and what is still used refuses to."""
    workspace, account = stage.workspace, stage.account
    workspace.catalogs.delete(stage.catalog, force=True)
    workspace.external_locations.delete(stage.location)
    workspace.storage_credentials.delete(stage.credential)
    refused(errors.BadRequest, account.metastores.delete, stage.metastore_id)
    account.workspaces.delete(stage.workspace_id)
    until_gone(account.workspaces.get, stage.workspace_id)
    account.metastores.delete(stage.metastore_id)
    account.networks.delete(stage.network_id)
    for endpoint in (*stage.endpoints.rest_api, *stage.endpoints.dataplane_relay):
        account.vpc_endpoints.delete(endpoint)
    account.private_access.delete(stage.private_access_settings_id)
    account.encryption_keys.delete(stage.key_id)
    account.network_connectivity.delete_network_connectivity_configuration(stage.ncc)
    account.network_policies.delete_network_policy_rpc(stage.network_policy)
    account.storage.delete(stage.storage_configuration_id)
    account.credentials.delete(stage.credentials_id)
    account.groups_v2.delete(stage.group_id)
    refused(errors.NotFound, account.groups_v2.get, stage.group_id)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("url", "account-id", "client-id", "client-secret"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("read-only-id", "read-only-secret", "admin-token"):
        parser.add_argument(f"--{name}")
    stage = Stage(parser.parse_args())
    failed = 0
    for check in KINDS:
        try:
            check(stage)
            print(f"ok    {check.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {check.__name__}", flush=True)
            traceback.print_exc(limit=6)
    print(f"{len(KINDS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
