"""The whole gate before moto, spoken to by AWS' own client (boto3)."""

import json
import unittest
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

from awsgate.__main__ import start_moto
from awsgate.gate import Gate, start

ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SUBJECT = "system:serviceaccount:velero:velero"
ROLE = "arn:aws:iam::123456789012:role/velero"


class GateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gate = Gate(start_moto())
        cls.gate.state.configure({"users": {"AKIAADMIN": {"secret": "admin-secret", "policies": [ADMIN]}}})
        cls.server = start(cls.gate)
        cls.url = f"http://127.0.0.1:{cls.server.server_address[1]}"
        cls.client("s3").create_bucket(Bucket="backups")

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()

    def setUp(self):
        self.configure(faults=[], secure_transport=True, disabled_keys=[])

    @classmethod
    def client(cls, service, key="AKIAADMIN", secret="admin-secret", token=None):
        config = botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1},
            signature_version="s3v4" if service == "s3" else None,
        )
        return boto3.client(service, endpoint_url=cls.url, region_name="us-east-1", aws_access_key_id=key,
                            aws_secret_access_key=secret, aws_session_token=token, config=config)

    def configure(self, **settings):
        self.gate.state.configure(settings)

    def user(self, *statements):
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.configure(users={"AKIAUSER": {"secret": "user-secret", "policies": [policy]}})
        return lambda service: self.client(service, "AKIAUSER", "user-secret")

    def refused(self, code, call, *arguments, **named):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.response["Error"]["Code"], code, caught.exception)
        return str(caught.exception)

    def test_objects_go_through_with_boto3s_signatures_and_checksums(self):
        s3 = self.client("s3")
        s3.put_object(Bucket="backups", Key="a b/c+d.json", Body=b"hello", ChecksumAlgorithm="SHA256")
        self.assertEqual(s3.get_object(Bucket="backups", Key="a b/c+d.json")["Body"].read(), b"hello")
        url = s3.generate_presigned_url("get_object", {"Bucket": "backups", "Key": "a b/c+d.json"})
        self.assertEqual(urllib.request.urlopen(url).read(), b"hello")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket="backups", Prefix="a b/")["Contents"]]
        self.assertEqual(keys, ["a b/c+d.json"])

    def test_a_wrong_secret_is_refused(self):
        self.refused("SignatureDoesNotMatch", self.client("s3", secret="wrong").list_objects_v2, Bucket="backups")
        self.refused("InvalidAccessKeyId", self.client("s3", key="AKIANOBODY").list_objects_v2, Bucket="backups")

    def test_a_missing_object_is_denied_to_those_who_may_not_list(self):
        s3 = self.user({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::backups/*"})("s3")
        message = self.refused("AccessDenied", s3.get_object, Bucket="backups", Key="none")
        self.assertIn("s3:ListBucket", message)

    def test_a_policy_on_tags_is_held_to(self):
        tag = {"StringEquals": {"aws:RequestTag/velero.io/backup": "true"}}
        owned = {"StringEquals": {"aws:ResourceTag/velero.io/backup": "true"}}
        ec2 = self.user(
            {"Effect": "Allow", "Action": ["ec2:CreateSnapshot"], "Resource": "*", "Condition": tag},
            {"Effect": "Allow", "Action": ["ec2:CreateTags"], "Resource": "*",
             "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["velero.io/backup"]}}},
            {"Effect": "Allow", "Action": ["ec2:DeleteSnapshot"], "Resource": "*", "Condition": owned},
        )("ec2")
        admin = self.client("ec2")
        volume = admin.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
        message = self.refused("UnauthorizedOperation", ec2.create_snapshot, VolumeId=volume)
        self.assertIn("ec2:CreateSnapshot", message)

        def tags(*names):
            return [{"ResourceType": "snapshot", "Tags": [{"Key": name, "Value": "true"} for name in names]}]

        message = self.refused("UnauthorizedOperation", ec2.create_snapshot, VolumeId=volume,
                               TagSpecifications=tags("velero.io/backup", "Name"))
        self.assertIn("ec2:CreateTags", message)
        ours = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tags("velero.io/backup"))["SnapshotId"]
        foreign = admin.create_snapshot(VolumeId=volume)["SnapshotId"]
        self.refused("UnauthorizedOperation", ec2.delete_snapshot, SnapshotId=foreign)
        ec2.delete_snapshot(SnapshotId=ours)
        self.refused("InvalidSnapshot.NotFound", admin.describe_snapshots, SnapshotIds=[ours])

    def test_the_buckets_own_policy_denies_plain_http(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="strict")
        s3.put_bucket_policy(Bucket="strict", Policy=json.dumps({"Statement": [{
            "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": ["arn:aws:s3:::strict", "arn:aws:s3:::strict/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}))
        s3.put_object(Bucket="strict", Key="k", Body=b"1")
        self.configure(secure_transport=False)
        self.assertIn("explicit deny", self.refused("AccessDenied", s3.get_object, Bucket="strict", Key="k"))

    def test_a_web_identity_gives_a_session_until_it_ends_or_is_revoked(self):
        self.configure(roles={ROLE: {"subject": SUBJECT, "policies": [ADMIN]}})
        sts = self.client("sts")
        token = self.gate.control("token", {"subject": SUBJECT})["token"]
        arguments = {"RoleArn": ROLE, "RoleSessionName": "test"}
        other = self.gate.control("token", {"subject": "system:serviceaccount:default:default"})["token"]
        self.refused("AccessDenied", sts.assume_role_with_web_identity, WebIdentityToken=other, **arguments)
        self.refused("InvalidIdentityToken", sts.assume_role_with_web_identity, WebIdentityToken="a.b.c", **arguments)

        def session():
            given = sts.assume_role_with_web_identity(WebIdentityToken=token, **arguments)["Credentials"]
            return self.client("s3", given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

        s3 = session()
        s3.list_objects_v2(Bucket="backups")
        self.gate.control("revoke", {})
        self.refused("ExpiredToken", s3.list_objects_v2, Bucket="backups")
        s3 = session()
        self.gate.control("advance", {"seconds": 3601})
        self.refused("ExpiredToken", s3.list_objects_v2, Bucket="backups")

    def test_a_disabled_key_reads_and_writes_nothing(self):
        self.configure(buckets={"backups": {"kms_key": "k1"}})
        s3 = self.client("s3")
        s3.put_object(Bucket="backups", Key="sealed", Body=b"1")
        self.configure(disabled_keys=["k1"])
        self.refused("KMS.DisabledException", s3.get_object, Bucket="backups", Key="sealed")
        self.refused("KMS.DisabledException", s3.put_object, Bucket="backups", Key="sealed2", Body=b"1")
        self.configure(buckets={"backups": {"kms_key": ""}})

    def test_replication_copies_when_its_time_has_come(self):
        s3 = self.client("s3")
        for name in ("here", "there"):
            s3.create_bucket(Bucket=name)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_replication(Bucket="here", ReplicationConfiguration={
            "Role": "arn:aws:iam::123456789012:role/r", "Rules": [
                {"ID": "all", "Priority": 1, "Filter": {"Prefix": ""}, "Status": "Enabled",
                 "Destination": {"Bucket": "arn:aws:s3:::there"}, "DeleteMarkerReplication": {"Status": "Disabled"}}]})
        s3.put_object(Bucket="here", Key="k", Body=b"1")
        self.assertEqual(s3.head_object(Bucket="here", Key="k")["ReplicationStatus"], "PENDING")
        self.refused("404", s3.head_object, Bucket="there", Key="k")
        self.gate.control("advance", {"seconds": 1000})
        self.assertEqual(s3.get_object(Bucket="there", Key="k")["Body"].read(), b"1")
        self.assertEqual(s3.head_object(Bucket="here", Key="k")["ReplicationStatus"], "COMPLETED")

    def test_lifecycle_moves_and_removes_when_its_time_has_come(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="aging")
        s3.put_bucket_lifecycle_configuration(Bucket="aging", LifecycleConfiguration={"Rules": [
            {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "backups/"}, "Expiration": {"Days": 400},
             "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}, {"Days": 200, "StorageClass": "DEEP_ARCHIVE"}]}]})
        s3.put_object(Bucket="aging", Key="backups/k", Body=b"1")
        s3.put_object(Bucket="aging", Key="kopia/k", Body=b"2")
        self.gate.control("advance", {"seconds": 31 * 86400})
        read = s3.get_object(Bucket="aging", Key="backups/k")
        self.assertEqual((read["StorageClass"], read["Body"].read()), ("GLACIER_IR", b"1"))
        self.gate.control("advance", {"seconds": 180 * 86400})
        self.refused("InvalidObjectState", s3.get_object, Bucket="aging", Key="backups/k")
        self.gate.control("advance", {"seconds": 200 * 86400})
        self.refused("NoSuchKey", s3.get_object, Bucket="aging", Key="backups/k")
        self.assertEqual(s3.get_object(Bucket="aging", Key="kopia/k")["Body"].read(), b"2")

    def test_faults_break_the_calls_that_they_name(self):
        self.configure(faults=[{"match": "^PUT /backups/f", "kind": "503"}, {"match": "DeleteSnapshot", "kind": "500"},
                               {"match": "^GET /backups/f", "kind": "reset"}])
        s3 = self.client("s3")
        self.refused("SlowDown", s3.put_object, Bucket="backups", Key="f", Body=b"1")
        s3.put_object(Bucket="backups", Key="f", Body=b"1")
        self.refused("InternalError", self.client("ec2").delete_snapshot, SnapshotId="snap-1")
        with self.assertRaises(botocore.exceptions.BotoCoreError):
            s3.get_object(Bucket="backups", Key="f")
        self.assertEqual(s3.get_object(Bucket="backups", Key="f")["Body"].read(), b"1")


if __name__ == "__main__":
    unittest.main()
