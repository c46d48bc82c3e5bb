"""What S3 does with a bucket's settings, and the server behind does not: the bucket's policy, default encryption with a
KMS key, lifecycle, and replication, the last two on the gate's own clock."""

import datetime
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree

from .answers import Answer, refusal
from .sigv4 import Refused
from .state import Stored

DAY = 86400
ASLEEP = {"GLACIER", "DEEP_ARCHIVE"}  # not readable until restored; GLACIER_IR is


def _find(element, path):
    for name in path.split("/"):
        element = next((child for child in element if child.tag.rpartition("}")[2] == name), None)
        if element is None:
            return None
    return element


def _text(element, path, default=""):
    found = _find(element, path)
    return default if found is None or found.text is None else found.text.strip()


class Buckets:
    def __init__(self, state, upstream):
        self._state, self._upstream = state, upstream

    def answer_itself(self, call):
        """The bucket's policy stays here: moto would take a Bool condition for a denial of everything."""
        if call.key or "policy" not in call.query:
            return None
        bucket = self._state.bucket(call.bucket)
        if call.method == "PUT":
            bucket.policy = json.loads(call.body)
            return Answer(204)
        if call.method == "DELETE":
            bucket.policy = None
            return Answer(204)
        if bucket.policy is None:
            return refusal("s3", "NoSuchBucketPolicy", "The bucket policy does not exist")
        return Answer(200, [("Content-Type", "application/json")], json.dumps(bucket.policy).encode())

    def before(self, call, identity):
        """KMS keys that writing or reading needs, and classes that cannot be read. Raises Refused."""
        known = self._state.objects.get((call.bucket, call.key))
        if call.method in ("PUT", "POST") and call.key:
            key = self.key_for(call)
            if key:
                self._state.check_key(identity, "kms:GenerateDataKey", key)
        if call.method in ("GET", "HEAD") and known is not None and not call.query.get("uploadId"):
            if known.kms_key:
                self._state.check_key(identity, "kms:Decrypt", known.kms_key)
            if call.method == "GET" and known.storage_class in ASLEEP:
                raise Refused(
                    "InvalidObjectState", "The operation is not valid for the object's storage class"
                )

    def key_for(self, call):
        method = call.headers.get("x-amz-server-side-encryption")
        if method == "aws:kms":
            return call.headers.get("x-amz-server-side-encryption-aws-kms-key-id", "alias/aws/s3")
        return self._state.bucket(call.bucket).kms_key if method is None else ""

    def after(self, call, answer):
        """Remembers what the server behind would not act on."""
        if answer.status >= 300:
            return
        if not call.key:
            self._remember_settings(call)
            return
        whole = call.method == "PUT" and "partNumber" not in call.query and "tagging" not in call.query
        completed = call.method == "POST" and "uploadId" in call.query
        place = (call.bucket, call.key)
        if whole or completed:
            stored = Stored(self._state.now(), self.key_for(call), call.headers.get("x-amz-storage-class", ""))
            with self._state.lock:
                self._state.objects[place] = stored
                if self._state.bucket(call.bucket).replication:
                    stored.replication = "PENDING"
                    self._state.replications.append((self._state.now() + self._state.lag(), call.bucket, call.key))
        elif call.method == "DELETE" and "uploadId" not in call.query:
            with self._state.lock:
                self._state.objects.pop(place, None)
        elif call.method in ("GET", "HEAD") and place in self._state.objects:
            stored = self._state.objects[place]
            if stored.storage_class:
                answer.headers.append(("x-amz-storage-class", stored.storage_class))
            if stored.replication:
                answer.headers.append(("x-amz-replication-status", stored.replication))

    def _remember_settings(self, call):
        bucket = self._state.bucket(call.bucket)
        root = ElementTree.fromstring(call.body) if call.method == "PUT" and call.body[:1] == b"<" else None
        if "encryption" in call.query and call.method in ("PUT", "DELETE"):
            rule = "Rule/ApplyServerSideEncryptionByDefault"
            is_kms = root is not None and _text(root, f"{rule}/SSEAlgorithm") == "aws:kms"
            bucket.kms_key = _text(root, f"{rule}/KMSMasterKeyID", "alias/aws/s3") if is_kms else ""
        if "lifecycle" in call.query and call.method in ("PUT", "DELETE"):
            bucket.lifecycle = [] if root is None else [self._lifecycle_rule(rule) for rule in root]
        if "replication" in call.query and call.method in ("PUT", "DELETE"):
            rules = [] if root is None else [r for r in root if r.tag.rpartition("}")[2] == "Rule"]
            bucket.replication = [
                {"prefix": _text(rule, "Filter/Prefix") or _text(rule, "Prefix"),
                 "to": _text(rule, "Destination/Bucket").rpartition(":")[2]}
                for rule in rules if _text(rule, "Status") == "Enabled"
            ]

    @staticmethod
    def _lifecycle_rule(rule):
        return {
            "enabled": _text(rule, "Status") == "Enabled",
            "prefix": _text(rule, "Filter/Prefix") or _text(rule, "Prefix"),
            "transitions": [
                (int(_text(child, "Days", "0")) * DAY, _text(child, "StorageClass"))
                for child in rule if child.tag.rpartition("}")[2] == "Transition"
            ],
            "expires": int(_text(rule, "Expiration/Days", "0")) * DAY,
            "noncurrent": int(_text(rule, "NoncurrentVersionExpiration/NoncurrentDays", "0")) * DAY,
        }

    def catch_up(self):
        """After the clock was moved: what is due by now happens, in its order."""
        with self._state.lock:
            now = self._state.now()
            due = sorted(one for one in self._state.replications if one[0] <= now)
            self._state.replications = [one for one in self._state.replications if one[0] > now]
        for _, bucket, key in due:
            self._replicate(bucket, key)
        for (bucket, key), stored in list(self._state.objects.items()):
            for rule in self._state.bucket(bucket).lifecycle:
                if rule["enabled"] and key.startswith(rule["prefix"]):
                    self._age(bucket, key, stored, rule, now - stored.written)
        for name, bucket in list(self._state.buckets.items()):
            for rule in bucket.lifecycle:
                if rule["enabled"] and rule["noncurrent"]:
                    self._drop_noncurrent(name, rule, now)

    def _replicate(self, bucket, key):
        path = f"/{bucket}/{urllib.parse.quote(key)}"
        for rule in self._state.bucket(bucket).replication:
            if not key.startswith(rule["prefix"]):
                continue
            source = self._upstream.s3("GET", path)
            if source.status == 200:
                self._upstream.s3("PUT", f"/{rule['to']}/{urllib.parse.quote(key)}", (), source.body)
                if (bucket, key) in self._state.objects:
                    self._state.objects[(bucket, key)].replication = "COMPLETED"

    def _age(self, bucket, key, stored, rule, age):
        if rule["expires"] and age >= rule["expires"]:
            self._upstream.s3("DELETE", f"/{bucket}/{urllib.parse.quote(key)}")
            with self._state.lock:
                self._state.objects.pop((bucket, key), None)
            return
        for after, storage_class in sorted(rule["transitions"]):
            if age >= after:
                stored.storage_class = storage_class

    def _drop_noncurrent(self, bucket, rule, now):
        """A version's age counts from when the one after it was written."""
        answer = self._upstream.s3("GET", f"/{bucket}?versions&prefix={urllib.parse.quote(rule['prefix'])}")
        if answer.status != 200:
            return
        newer = {}
        for entry in ElementTree.fromstring(answer.body):
            if entry.tag.rpartition("}")[2] not in ("Version", "DeleteMarker"):
                continue
            key, version = _text(entry, "Key"), _text(entry, "VersionId")
            written = datetime.datetime.fromisoformat(_text(entry, "LastModified").replace("Z", "+00:00")).timestamp()
            if key in newer and now - newer[key] >= rule["noncurrent"]:
                self._upstream.s3("DELETE", f"/{bucket}/{urllib.parse.quote(key)}?versionId={version}")
            newer[key] = written
