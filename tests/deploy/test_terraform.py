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
    holds("lifecycle: nothing current expires", not any("expiration" in rule for rule in rules.values()))
    holds("lifecycle: noncurrent versions",
          any(one(rule, "noncurrent_version_expiration")["noncurrent_days"] >= 180
              for rule in rules.values() if "noncurrent_version_expiration" in rule))
    return out


class Properties(unittest.TestCase):
    def test_hold(self):
        self.assertEqual(weaknesses(resources()), [])

    def test_that_are_flipped_are_seen(self):
        """The check above can fail: each text that makes a property hold is changed, and something is then named."""
        text = (TERRAFORM / "velero.tf").read_text()
        flips = [("force_destroy       = false", "force_destroy       = true"), ('status = "Enabled" }', 'status = "Suspended" }'),
                 ("bucket_key_enabled = true", "bucket_key_enabled = false"), ('"aws:kms"', '"AES256"'),
                 ("block_public_acls       = true", "block_public_acls       = false"),
                 ("restrict_public_buckets = true", "restrict_public_buckets = false"),
                 ('prefix = "backups/"', 'prefix = "kopia/"'), ('"GLACIER_IR"', '"DEEP_ARCHIVE"'),
                 ("noncurrent_days = 180", "noncurrent_days = 1")]
        for before, after in flips:
            with self.subTest(flip=after):
                self.assertIn(before, text)
                found = resources()
                for block in hcl2.loads(text.replace(before, after))["resource"]:
                    for kind, named in plain(block).items():
                        for name, body in named.items():
                            found[kind, name] = body
                self.assertNotEqual(weaknesses(found), [])

    def test_nothing_is_made_unless_it_is_enabled(self):
        for (kind, name), body in resources().items():
            self.assertRegex(body.get("count", ""), r"^\$\{local\.velero_\w+\}$", f"{kind}.{name}")
        for line in (TERRAFORM / "velero.tf").read_text().splitlines():
            if " = var.enable_velero" in line:
                self.assertRegex(line, r"var\.enable_velero( &&.*)? \? 1 : 0$")
        self.assertIs(plain(hcl2.loads((TERRAFORM / "variables.tf").read_text()))["variable"][0]
                      ["enable_velero"]["default"], False)


class Policies(unittest.TestCase):
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
