"""deploy/terraform: read as HCL, each property that keeps backups safe held on to; the policies as AWS evaluates them.

Where terraform is on the PATH, its own fmt and validate too, and the pure module is evaluated by it.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import hcl2

ROOT = pathlib.Path(__file__).parents[2]
TERRAFORM = ROOT / "deploy/terraform"
sys.path.insert(0, str(ROOT / "tests/tools/awsgate"))

from awsgate.iam import Request, evaluate  # noqa: E402


def plain(value):
    """python-hcl2 leaves the quotes around texts and marks blocks: a value as it reads."""
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def resources():
    """Of all files: {(type, name): body}."""
    found = {}
    for path in sorted(TERRAFORM.glob("*.tf")):
        for block in hcl2.loads(path.read_text()).get("resource", []):
            for kind, named in plain(block).items():
                for name, body in named.items():
                    found[kind, name] = body
    return found


def policy(name, **places):
    values = {"partition": "aws", "bucket": "backups", "replica": "backups-replica", "key": "arn:aws:kms:::key/1",
              "replicaKey": "arn:aws:kms:::key/2", **places}
    text = (TERRAFORM / "plan/policies" / name).read_text()
    for key, value in values.items():
        text = text.replace("${" + key + "}", value)
    assert "${" not in text, text
    return json.loads(text)


def one(body, *path):
    """The only block at a path, as hcl2 gives blocks: lists of one."""
    for key in path:
        body = body[key]
        if isinstance(body, list):
            assert len(body) == 1, (key, body)
            body = body[0]
    return body


def weaknesses(found):
    """What would make the backups less safe: the names of the properties that do not hold."""
    out = []

    def holds(name, condition):
        if not condition:
            out.append(name)

    for bucket in ("velero", "velero_replica"):
        holds(f"{bucket}: force_destroy", found["aws_s3_bucket", bucket].get("force_destroy") is False)
        versioning = one(found["aws_s3_bucket_versioning", bucket], "versioning_configuration")
        holds(f"{bucket}: versioning", versioning.get("status") == "Enabled")
        rule = one(found["aws_s3_bucket_server_side_encryption_configuration", bucket], "rule")
        holds(f"{bucket}: bucket key", rule.get("bucket_key_enabled") is True)
        holds(f"{bucket}: KMS",
              one(rule, "apply_server_side_encryption_by_default").get("sse_algorithm") == "aws:kms")
        block = found["aws_s3_bucket_public_access_block", bucket]
        for setting in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
            holds(f"{bucket}: {setting}", block.get(setting) is True)
        holds(f"{bucket}: policy", "bucket_policy" in found["aws_s3_bucket_policy", bucket]["policy"])
    rules = {rule["id"]: rule for rule in found["aws_s3_bucket_lifecycle_configuration", "velero"]["rule"]}
    holds("lifecycle: only backups/ leaves", all(
        one(rule, "filter").get("prefix") == "backups/" and one(rule, "transition")["storage_class"] == "GLACIER_IR"
        for rule in rules.values() if "transition" in rule))
    holds("lifecycle: cold after 30 days", all(
        one(rule, "transition")["days"] == 30 for rule in rules.values() if "transition" in rule))
    holds("lifecycle: some rule makes backups cold", any("transition" in rule for rule in rules.values()))
    holds("lifecycle: unfinished uploads end", any(
        one(rule, "abort_incomplete_multipart_upload")["days_after_initiation"] <= 7
        for rule in rules.values() if "abort_incomplete_multipart_upload" in rule))
    holds("lifecycle: its rules are on", all(rule["status"] == "Enabled" for rule in rules.values()))
    holds("lifecycle: nothing current expires", not any("expiration" in rule for rule in rules.values()))
    holds("lifecycle: noncurrent versions",
          any(one(rule, "noncurrent_version_expiration")["noncurrent_days"] >= 180
              for rule in rules.values() if "noncurrent_version_expiration" in rule))
    for bucket in ("velero", "velero_replica"):
        holds(f"{bucket}: object lock", found["aws_s3_bucket", bucket].get("object_lock_enabled") == "${var.lock_days > 0}")
    retention = one(found["aws_s3_bucket_object_lock_configuration", "velero"], "rule", "default_retention")
    holds("lock: days and mode", (retention["mode"], retention["days"]) == ("${var.lock_mode}", "${var.lock_days}"))
    rule = one(found["aws_s3_bucket_replication_configuration", "velero"], "rule")
    holds("replication: on", rule["status"] == "Enabled")
    holds("replication: deletions stay here", one(rule, "delete_marker_replication")["status"] == "Disabled")
    holds("replication: encrypted objects too",
          one(rule, "source_selection_criteria", "sse_kms_encrypted_objects")["status"] == "Enabled")
    trust = found["aws_iam_role", "velero"]["assume_role_policy"]
    for claim in ('"${local.velero_issuer}:sub"', '"system:serviceaccount:${var.velero_namespace}:velero"',
                  '"${local.velero_issuer}:aud"', '"sts.amazonaws.com"', "StringEquals", "sts:AssumeRoleWithWebIdentity"):
        holds(f"role: {claim}", claim in trust)
    holds("keys: rotated", all(found["aws_kms_key", key]["enable_key_rotation"] is True for key in ("velero", "velero_replica")))
    return out


def with_text(text):
    """The resources, one file of which reads otherwise."""
    found = resources()
    for block in hcl2.loads(text)["resource"]:
        for kind, named in plain(block).items():
            for name, body in named.items():
                found[kind, name] = body
    return found


class Properties(unittest.TestCase):
    def test_hold(self):
        self.assertEqual(weaknesses(resources()), [])

    def test_that_are_flipped_are_seen(self):
        """The check above can fail: each text that makes a property hold is changed, and something is then named."""
        flips = {
            "velero.tf": [
                ("force_destroy       = false", "force_destroy       = true", "velero: force_destroy"),
                ('status = "Enabled" }', 'status = "Suspended" }', "velero: versioning"),
                ("bucket_key_enabled = true", "bucket_key_enabled = false", "velero: bucket key"),
                ('"aws:kms"', '"AES256"', "velero: KMS"),
                ("block_public_acls       = true", "block_public_acls       = false", "velero: block_public_acls"),
                ("block_public_policy     = true", "block_public_policy     = false", "velero: block_public_policy"),
                ("ignore_public_acls      = true", "ignore_public_acls      = false", "velero: ignore_public_acls"),
                ("restrict_public_buckets = true", "restrict_public_buckets = false", "velero: restrict_public_buckets"),
                ("module.velero_plan[0].bucket_policy", '""', "velero: policy"),
                ('prefix = "backups/"', 'prefix = "kopia/"', "lifecycle: only backups/ leaves"),
                ('prefix = "backups/"', 'prefix = ""', "lifecycle: only backups/ leaves"),
                ('"GLACIER_IR"', '"DEEP_ARCHIVE"', "lifecycle: only backups/ leaves"),
                ("days          = 30", "days          = 1", "lifecycle: cold after 30 days"),
                ("noncurrent_days = 180", "noncurrent_days = 1", "lifecycle: noncurrent versions"),
                ("days_after_initiation = 7", "days_after_initiation = 365", "lifecycle: unfinished uploads end"),
                ('status = "Enabled"\n    filter { prefix', 'status = "Disabled"\n    filter { prefix', "lifecycle: its rules are on"),
                ("noncurrent_version_expiration {", "expiration {", "lifecycle: nothing current expires"),
                ("object_lock_enabled = var.lock_days > 0", "object_lock_enabled = false", "velero: object lock"),
                ("days = var.lock_days", "days = 1", "lock: days and mode"),
                ('.velero_namespace}:velero"', '.velero_namespace}:*"', 'role: "system:serviceaccount:${var.velero_namespace}:velero"'),
                ('velero_issuer}:aud"', 'velero_issuer}:amr"', 'role: "${local.velero_issuer}:aud"'),
                ("Condition = { StringEquals", "Condition = { StringLike", "role: StringEquals"),
                ("enable_key_rotation     = true", "enable_key_rotation     = false", "keys: rotated"),
            ],
            "replica.tf": [
                ("force_destroy       = false", "force_destroy       = true", "velero_replica: force_destroy"),
                ('status = "Enabled" }', 'status = "Suspended" }', "velero_replica: versioning"),
                ('"aws:kms"', '"AES256"', "velero_replica: KMS"),
                ("restrict_public_buckets = true", "restrict_public_buckets = false", "velero_replica: restrict_public_buckets"),
                ('"all"\n    status = "Enabled"', '"all"\n    status = "Disabled"', "replication: on"),
                ('delete_marker_replication { status = "Disabled" }', 'delete_marker_replication { status = "Enabled" }',
                 "replication: deletions stay here"),
                ('sse_kms_encrypted_objects { status = "Enabled" }', 'sse_kms_encrypted_objects { status = "Disabled" }',
                 "replication: encrypted objects too"),
            ],
        }
        for file, changes in flips.items():
            text = (TERRAFORM / file).read_text()
            for before, after, named in changes:
                with self.subTest(file=file, flip=after):
                    self.assertIn(before, text)
                    self.assertIn(named, weaknesses(with_text(text.replace(before, after))))

    def test_names_of_buckets_and_the_snapshot_class_are_those_that_people_look_for(self):
        held = plain(hcl2.loads((TERRAFORM / "plan/main.tf").read_text()))["locals"][0]
        self.assertEqual(held["bucket"], "${var.cluster_name}-velero-backups-${var.bucket_suffix}")
        made = held["snapshot_class"]
        self.assertEqual((made["kind"], made["driver"], made["deletionPolicy"]), ("VolumeSnapshotClass", "ebs.csi.aws.com", "Retain"))
        self.assertEqual(made["metadata"]["labels"], {"velero.io/csi-volumesnapshot-class": "true"})

    def test_nothing_is_made_unless_it_is_enabled(self):
        for (kind, name), body in resources().items():
            self.assertRegex(body.get("count", ""), r"^\$\{local\.velero_\w+\}$", f"{kind}.{name}")
        for line in (TERRAFORM / "velero.tf").read_text().splitlines():
            if " = var.enable_velero" in line:
                self.assertRegex(line, r"var\.enable_velero( &&.*)? \? 1 : 0$")
        self.assertIs(plain(hcl2.loads((TERRAFORM / "variables.tf").read_text()))["variable"][0]
                      ["enable_velero"]["default"], False)


def recorded():
    """What a server asked AWS for in a full backup, a restore, a check of the bucket and a deletion (tests/testdata/iam)."""
    calls = json.loads((ROOT / "tests/testdata/iam/recorded.json").read_text())
    return [Request(one["action"], one["resource"], one["context"]) for one in calls]


RECORDED_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"


class Policies(unittest.TestCase):
    def test_nothing_of_a_recorded_backup_restore_and_deletion_is_denied(self):
        role = policy("role.json", key=RECORDED_KEY)
        for call in recorded():
            self.assertTrue(evaluate([role], call).allowed, call)

    def test_each_statement_is_needed_by_an_action(self):
        role = policy("role.json", key=RECORDED_KEY)
        needed = {"Bucket": "s3:ListBucket", "Settings": "s3:GetBucketVersioning", "Objects": "s3:PutObject", "Key": "kms:Decrypt",
                  "Describe": "ec2:DescribeVolumes", "SnapshotAnyVolume": "ec2:CreateSnapshot", "RestoreOwnSnapshots": "ec2:CreateVolume",
                  "CreateTagged": "ec2:CreateVolume", "TagWhileCreating": "ec2:CreateTags", "DeleteOwn": "ec2:DeleteSnapshot"}
        self.assertEqual([one["Sid"] for one in role["Statement"]], list(needed))
        for sid, action in needed.items():
            less = {**role, "Statement": [one for one in role["Statement"] if one["Sid"] != sid]}
            denied = {call.action for call in recorded() if not evaluate([less], call).allowed}
            self.assertIn(action, denied, f"without {sid}")

    def test_each_condition_keeps_something_out(self):
        """Without it, something could be done that has nothing to do with backups."""
        volume, snapshot = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-9", "arn:aws:ec2:eu-west-1::snapshot/snap-9"
        foreign = {
            "RestoreOwnSnapshots": Request("ec2:CreateVolume", snapshot, {"aws:ResourceTag/owner": "others"}),
            "CreateTagged": Request("ec2:CreateVolume", volume, {"aws:RequestTag/owner": "others"}),
            "TagWhileCreating": Request("ec2:CreateTags", volume, {"aws:TagKeys": ["owner"]}),
            "DeleteOwn": Request("ec2:DeleteVolume", volume, {"aws:ResourceTag/owner": "others"}),
        }
        role = policy("role.json", key=RECORDED_KEY)
        self.assertEqual([one["Sid"] for one in role["Statement"] if "Condition" in one], list(foreign))
        for sid, call in foreign.items():
            self.assertFalse(evaluate([role], call).allowed, sid)
            loose = {**role, "Statement": [{key: value for key, value in one.items() if (one["Sid"], key) != (sid, "Condition")}
                                           for one in role["Statement"]]}
            self.assertTrue(evaluate([loose], call).allowed, sid)

    def test_the_role_is_what_the_voyage_on_ec2_passes_with(self):
        """tests/voyages/ebs_test.cc backs up, restores and deletes under minimal-policy.json, and takes statements away."""
        minimal = json.loads((ROOT / "tests/testdata/iam/minimal-policy.json").read_text())["Statement"]
        role = policy("role.json")["Statement"]
        self.assertEqual([s for s in role if s["Sid"] not in ("Settings", "Key")], minimal)

    def test_the_role_reads_and_writes_its_bucket_and_no_other(self):
        role = policy("role.json")
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            self.assertTrue(evaluate([role], Request(action, "arn:aws:s3:::backups/kopia/x")).allowed)
            self.assertFalse(evaluate([role], Request(action, "arn:aws:s3:::others/x")).allowed)
        self.assertTrue(evaluate([role], Request("s3:ListBucket", "arn:aws:s3:::backups")).allowed)
        for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"):
            self.assertFalse(evaluate([role], Request(action, "arn:aws:s3:::backups")).allowed)
        for action in ("s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectRetention"):
            self.assertFalse(evaluate([role], Request(action, "arn:aws:s3:::backups/x")).allowed)

    def test_the_bucket_refuses_plain_http_and_nothing_else(self):
        bucket = policy("bucket.json")
        for secure, denied in (("false", True), ("true", False)):
            for resource in ("arn:aws:s3:::backups", "arn:aws:s3:::backups/x"):
                decision = evaluate([bucket], Request("s3:GetObject", resource, {"aws:SecureTransport": secure}, "*"))
                self.assertEqual(decision.explicit_deny, denied)

    def test_the_replication_writes_only_to_the_replica(self):
        replication = policy("replication.json")
        self.assertTrue(evaluate([replication], Request("s3:ReplicateObject", "arn:aws:s3:::backups-replica/x")).allowed)
        self.assertFalse(evaluate([replication], Request("s3:ReplicateObject", "arn:aws:s3:::backups/x")).allowed)


@unittest.skipUnless(shutil.which("terraform"), "terraform is not on the PATH")
class WithTerraform(unittest.TestCase):
    def terraform(self, *words, cwd=TERRAFORM):
        return subprocess.run(["terraform", *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)

    def test_is_formatted(self):
        run = self.terraform("fmt", "-check", "-diff", "-recursive")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def plan(self, preset):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(TERRAFORM / "plan", folder, dirs_exist_ok=True)
            started = self.terraform("init", "-backend=false", "-input=false", cwd=folder)
            self.assertEqual(started.returncode, 0, started.stderr)
            valid = self.terraform("validate", "-json", cwd=folder)
            self.assertEqual(valid.returncode, 0, valid.stdout)
            values = {"cluster_name": "bookstore-eks", "bucket_suffix": "abc123", "kms_key_arn": "arn:aws:kms:::key/1",
                      "replica_kms_key_arn": "arn:aws:kms:::key/2", "retention_preset": preset, "excluded_namespaces": ["kube-system"], "velero_namespace": "velero"}
            (pathlib.Path(folder) / "terraform.tfvars.json").write_text(json.dumps(values))
            applied = self.terraform("apply", "-auto-approve", "-input=false", cwd=folder)
            self.assertEqual(applied.returncode, 0, applied.stdout + applied.stderr)
            output = json.loads(self.terraform("output", "-json", cwd=folder).stdout)
            return {name: one["value"] for name, one in output.items()}

    def test_names_policies_and_schedules_follow_from_the_variables(self):
        plan = self.plan("23")
        self.assertEqual(plan["bucket"], "bookstore-eks-velero-backups-abc123")
        self.assertEqual(json.loads(plan["role_policy"]), policy("role.json", bucket=plan["bucket"]))
        self.assertEqual({s["metadata"]["name"]: (s["spec"]["schedule"], s["spec"]["template"]["ttl"]) for s in plan["schedules"]},
                         {"daily-cluster-backup": ("0 2 * * *", "168h"), "weekly-cluster-backup": ("0 3 * * 0", "672h"),
                          "monthly-cluster-backup": ("0 4 1 * *", "8760h")})
        nightly = self.plan("nightly")["schedules"]
        self.assertEqual([(s["metadata"]["name"], s["spec"]["schedule"], s["spec"]["template"]["ttl"]) for s in nightly],
                         [("nightly-cluster-backup", "0 2 * * *", "720h")])
        self.assertEqual(nightly[0]["spec"]["template"]["excludedNamespaces"], ["kube-system"])


if __name__ == "__main__":
    unittest.main()
