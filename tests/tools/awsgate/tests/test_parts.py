"""Signatures by AWS' own example, tokens, checksums, and which permissions a call needs."""

import base64
import datetime
import hashlib
import time
import unittest

from awsgate import payload, sigv4
from awsgate.calls import Call, permissions
from awsgate.oidc import InvalidToken, Issuer
from awsgate.state import Faults


class Signatures(unittest.TestCase):
    # "Authenticating Requests: Using the Authorization Header", Amazon S3's documentation.
    SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    NOW = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
    HEADERS = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": sigv4.EMPTY_SHA256,
        "x-amz-date": "20130524T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    }

    def check(self, headers=None, secret=None, path="/test.txt", now=None):
        headers = headers or self.HEADERS
        signature = sigv4.read("GET", path, "", headers)
        sigv4.check(signature, secret or self.SECRET, "GET", path, "", headers, sigv4.EMPTY_SHA256, now or self.NOW)

    def test_the_documented_example_is_good(self):
        self.check()

    def test_another_secret_path_or_header_is_refused(self):
        for change in ({"secret": "x"}, {"path": "/other"}, {"headers": {**self.HEADERS, "range": "bytes=0-10"}}):
            with self.assertRaises(sigv4.Refused) as caught:
                self.check(**change)
            self.assertEqual(caught.exception.code, "SignatureDoesNotMatch")

    def test_an_old_request_is_refused(self):
        with self.assertRaises(sigv4.Refused) as caught:
            self.check(now=self.NOW + datetime.timedelta(minutes=16))
        self.assertEqual(caught.exception.code, "RequestTimeTooSkewed")

    def test_a_presigned_url_ends(self):
        # "Authenticating Requests: Using Query Parameters", the same documentation.
        query = ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
                 "%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                 "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
        headers = {"host": "examplebucket.s3.amazonaws.com"}
        signature = sigv4.read("GET", "/test.txt", query, headers)
        arguments = (signature, self.SECRET, "GET", "/test.txt", query, headers, sigv4.UNSIGNED)
        sigv4.check(*arguments, self.NOW + datetime.timedelta(hours=23))
        with self.assertRaises(sigv4.Refused):
            sigv4.check(*arguments, self.NOW + datetime.timedelta(hours=25))


class Tokens(unittest.TestCase):
    def test_a_token_of_the_issuer_is_good_until_it_ends(self):
        issuer, now = Issuer(), time.time()
        token = issuer.token("system:serviceaccount:velero:velero", now, lifetime=60)
        self.assertEqual(issuer.claims(token, now + 59)["sub"], "system:serviceaccount:velero:velero")
        with self.assertRaises(InvalidToken) as caught:
            issuer.claims(token, now + 61)
        self.assertEqual(caught.exception.code, "ExpiredTokenException")

    def test_another_issuers_or_a_changed_token_is_refused(self):
        issuer, now = Issuer(), time.time()
        token = issuer.token("a", now)
        for bad in (Issuer().token("a", now), token[:-8] + "AAAAAAAA", "nonsense", ""):
            with self.assertRaises(InvalidToken):
                issuer.claims(bad, now)


class Payloads(unittest.TestCase):
    def test_checksums_must_be_those_of_the_body(self):
        good = {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"abc").digest()).decode(),
                "x-amz-checksum-crc32c": base64.b64encode(bytes.fromhex("364b3fb7")).decode(),
                "x-amz-checksum-crc32": base64.b64encode(bytes.fromhex("352441c2")).decode()}
        payload.check(good, b"abc")
        for name in good:
            with self.assertRaises(sigv4.Refused):
                payload.check({name: good[name]}, b"abd")
        with self.assertRaises(sigv4.Refused):
            payload.check({"content-md5": base64.b64encode(hashlib.md5(b"x").digest()).decode()}, b"y")

    def test_a_chunked_body_is_unwrapped_with_its_trailer(self):
        body = b"3;chunk-signature=00\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:hYfYZQ==\r\n\r\n"
        data, trailer = payload.unwrap({"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, body)
        self.assertEqual(data, b"abcde")
        payload.check(trailer, data)


def needed(service, method, path, query="", body=b"", headers=None, tags=None, everywhere=True):
    call = Call(service, "eu-west-1", method, path, query, headers or {}, body)
    return permissions(call, "123456789012", lambda _: tags or {}, everywhere)


class Calls(unittest.TestCase):
    def actions(self, *arguments, **named):
        return [request.action for request in needed(*arguments, **named)]

    def test_s3(self):
        for method, path, query, action in (
            ("GET", "/b", "list-type=2&prefix=a", "s3:ListBucket"), ("HEAD", "/b", "", "s3:ListBucket"),
            ("GET", "/b", "versioning", "s3:GetBucketVersioning"), ("GET", "/b/k", "", "s3:GetObject"),
            ("GET", "/b", "encryption", "s3:GetEncryptionConfiguration"), ("PUT", "/b/k", "", "s3:PutObject"),
            ("POST", "/b/k", "uploads", "s3:PutObject"), ("DELETE", "/b/k", "uploadId=1", "s3:AbortMultipartUpload"),
            ("GET", "/b/k", "uploadId=1", "s3:ListMultipartUploadParts"), ("DELETE", "/b/k", "", "s3:DeleteObject"),
        ):
            self.assertEqual(self.actions("s3", method, path, query), [action], (method, path, query))
        self.assertEqual(self.actions("s3", "PUT", "/b/k", headers={"x-amz-tagging": "a=b"}),
                         ["s3:PutObject", "s3:PutObjectTagging"])
        listed = b"<Delete><Object><Key>a</Key></Object><Object><Key>b/c</Key></Object></Delete>"
        self.assertEqual([r.resource for r in needed("s3", "POST", "/b", "delete", listed)],
                         ["arn:aws:s3:::b/a", "arn:aws:s3:::b/b/c"])

    def test_a_tagged_creation_needs_create_tags(self):
        body = (b"Action=CreateSnapshot&VolumeId=vol-1&TagSpecification.1.ResourceType=snapshot"
                b"&TagSpecification.1.Tag.1.Key=velero.io%2Fbackup&TagSpecification.1.Tag.1.Value=true")
        snapshot, volume, tags = needed("ec2", "POST", "/", body=body, everywhere=False)
        self.assertEqual(snapshot.context["aws:RequestTag/velero.io/backup"], "true")
        self.assertNotIn("aws:RequestTag/velero.io/backup", volume.context)
        self.assertEqual(volume.resource, "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1")
        self.assertEqual((tags.action, tags.context["aws:TagKeys"]), ("ec2:CreateTags", ["velero.io/backup"]))
        self.assertIn("aws:RequestTag/velero.io/backup", needed("ec2", "POST", "/", body=body)[1].context)

    def test_a_deletion_is_of_a_resource_with_its_tags(self):
        (request,) = needed("ec2", "POST", "/", body=b"Action=DeleteSnapshot&SnapshotId=snap-1", tags={"a": "b"})
        self.assertEqual(request.resource, "arn:aws:ec2:eu-west-1::snapshot/snap-1")
        self.assertEqual(request.context["ec2:ResourceTag/a"], "b")


class Injected(unittest.TestCase):
    def test_the_same_seed_breaks_the_same_calls(self):
        def broken():
            faults = Faults(7, [{"match": "^PUT", "kind": "503", "share": 0.3, "times": 100}])
            return [faults.choose(f"PUT /b/{i} ") for i in range(50)]

        first = broken()
        self.assertEqual(first, broken())
        self.assertIn("503", first)
        self.assertIn(None, first)
        self.assertIsNone(Faults(7, [{"match": "^PUT", "kind": "503"}]).choose("GET /b/1 "))


if __name__ == "__main__":
    unittest.main()
