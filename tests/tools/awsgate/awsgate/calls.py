"""Which permissions a call needs: the actions, their resources and what is known of the request. Pure, but for the
tags of resources, which are asked for.

AWS' own tables are the source: "Actions, resources, and condition keys" of Amazon S3 and Amazon EC2.
"""

import re
import urllib.parse
import xml.etree.ElementTree as ElementTree

from .iam import Request

# Of a bucket, by its subresource: (GET, PUT, DELETE); the first that the query names counts.
BUCKET_SUBRESOURCES = {
    "location": ("s3:GetBucketLocation", None, None),
    "versioning": ("s3:GetBucketVersioning", "s3:PutBucketVersioning", None),
    "encryption": ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
    "lifecycle": ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    "policy": ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    "policyStatus": ("s3:GetBucketPolicyStatus", None, None),
    "publicAccessBlock": (
        "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
    ),
    "replication": (
        "s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration", "s3:PutReplicationConfiguration",
    ),
    "object-lock": ("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", None),
    "tagging": ("s3:GetBucketTagging", "s3:PutBucketTagging", "s3:PutBucketTagging"),
    "versions": ("s3:ListBucketVersions", None, None),
    "uploads": ("s3:ListBucketMultipartUploads", None, None),
}
OBJECT_SUBRESOURCES = {
    "tagging": ("s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging"),
    "retention": ("s3:GetObjectRetention", "s3:PutObjectRetention", None),
    "legal-hold": ("s3:GetObjectLegalHold", "s3:PutObjectLegalHold", None),
    "acl": ("s3:GetObjectAcl", "s3:PutObjectAcl", None),
}
_VERBS = {"GET": 0, "HEAD": 0, "PUT": 1, "DELETE": 2}


class Call:
    """One request, by its service."""

    def __init__(self, service, region, method, path, query, headers, body):
        self.service, self.region, self.method = service, region, method
        self.path, self.headers, self.body = path, headers, body
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.form = {}
        if service != "s3":
            self.form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
            self.form.update(self.query)
        bucket, _, key = path.lstrip("/").partition("/")
        self.bucket, self.key = urllib.parse.unquote(bucket), urllib.parse.unquote(key)

    @property
    def action(self):
        return self.form.get("Action", "")


def permissions(call, account, tags_of, tags_everywhere=True):
    """The Requests that must all be allowed. `tags_of(resource id)` gives a resource's tags. `tags_everywhere`: a
    condition on the request's tags sees them for every resource of a call; AWS shows them only for the one that is
    made and tagged."""
    if call.service == "s3":
        return s3_permissions(call)
    if call.service == "ec2":
        return ec2_permissions(call, account, tags_of, tags_everywhere)
    if call.service == "sts":
        return []
    return [Request(f"{call.service}:{call.action or call.headers.get('x-amz-target', '').rpartition('.')[2]}", "*")]


def s3_permissions(call):
    bucket = f"arn:aws:s3:::{call.bucket}"
    if not call.bucket:
        return [Request("s3:ListAllMyBuckets", "*")]
    if call.key:
        return _object_permissions(call, f"{bucket}/{call.key}")
    if call.method == "POST" and "delete" in call.query:
        keys = [element.text or "" for element in ElementTree.fromstring(call.body).iter() if _local(element) == "Key"]
        return [Request("s3:DeleteObject", f"{bucket}/{key}") for key in keys]
    for name, actions in BUCKET_SUBRESOURCES.items():
        action = actions[_VERBS[call.method]] if name in call.query and call.method in _VERBS else None
        if action:
            return [Request(action, bucket)]
    if call.method == "PUT":
        return [Request("s3:CreateBucket", bucket)]
    if call.method == "DELETE":
        return [Request("s3:DeleteBucket", bucket)]
    context = {"s3:prefix": call.query.get("prefix", "")} if call.method == "GET" else {}
    return [Request("s3:ListBucket", bucket, context)]


def _object_permissions(call, arn):
    for name, actions in OBJECT_SUBRESOURCES.items():
        action = actions[_VERBS[call.method]] if name in call.query and call.method in _VERBS else None
        if action:
            return [Request(action, arn)]
    version = "Version" if "versionId" in call.query else ""
    if call.method in ("GET", "HEAD"):
        action = "s3:ListMultipartUploadParts" if "uploadId" in call.query else f"s3:GetObject{version}"
        return [Request(action, arn)]
    if call.method == "DELETE":
        return [Request("s3:AbortMultipartUpload" if "uploadId" in call.query else f"s3:DeleteObject{version}", arn)]
    if call.method == "POST" and "restore" in call.query:
        return [Request("s3:RestoreObject", arn)]
    context = {}
    for header in ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"):
        if header in call.headers:
            context[f"s3:{header}"] = call.headers[header]
    needed = [Request("s3:PutObject", arn, context)]
    if call.headers.get("x-amz-tagging"):
        needed.append(Request("s3:PutObjectTagging", arn, context))
    source = urllib.parse.unquote(call.headers.get("x-amz-copy-source", "")).lstrip("/").partition("?")[0]
    if source:
        needed.append(Request("s3:GetObject", f"arn:aws:s3:::{source}"))
    return needed


def ec2_permissions(call, account, tags_of, tags_everywhere):
    action = f"ec2:{call.action}"
    if call.action.startswith("Describe"):
        return [Request(action, "*")]
    tags = request_tags(call)
    shown = _tag_context(tags)
    here = f"arn:aws:ec2:{call.region}"

    def existing(kind, identity):
        arn = f"{here}::snapshot/{identity}" if kind == "snapshot" else f"{here}:{account}:{kind}/{identity}"
        context = {}
        for key, value in tags_of(identity).items():
            context[f"aws:ResourceTag/{key}"] = context[f"ec2:ResourceTag/{key}"] = value
        if tags_everywhere:
            context.update(shown)
        return arn, context

    made = {
        "CreateSnapshot": f"{here}::snapshot/*",
        "CopySnapshot": f"{here}::snapshot/*",
        "CreateVolume": f"{here}:{account}:volume/*",
    }.get(call.action)
    if made:
        needed = [Request(action, made, dict(shown))]
        if call.action == "CreateSnapshot":
            needed.append(Request(action, *existing("volume", call.form.get("VolumeId", ""))))
        if call.action == "CreateVolume" and call.form.get("SnapshotId"):
            needed.append(Request(action, *existing("snapshot", call.form["SnapshotId"])))
        if tags:
            needed.append(Request("ec2:CreateTags", made, {**shown, "ec2:CreateAction": call.action}))
        return needed
    if call.action in ("DeleteSnapshot", "DeleteVolume"):
        kind = call.action.removeprefix("Delete").lower()
        return [Request(action, *existing(kind, call.form.get(f"{kind.capitalize()}Id", "")))]
    if call.action in ("CreateTags", "DeleteTags"):
        needed = []
        for name, identity in sorted(call.form.items()):
            if re.fullmatch(r"ResourceId\.\d+", name):
                arn, context = existing("snapshot" if identity.startswith("snap-") else "volume", identity)
                needed.append(Request(action, arn, {**context, **shown}))
        return needed
    return [Request(action, "*", shown)]


def request_tags(call):
    """Of TagSpecification.N.Tag.M and, for CreateTags, of Tag.M."""
    tags = {}
    for name, key in call.form.items():
        if re.fullmatch(r"(TagSpecification\.\d+\.)?Tag\.\d+\.Key", name):
            tags[key] = call.form.get(name.removesuffix("Key") + "Value", "")
    return tags


def _tag_context(tags):
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": value for key, value in tags.items()}, "aws:TagKeys": list(tags)}


def _local(element):
    return element.tag.rpartition("}")[2]
