#include "objects/s3/bucket_remedies.h"

#include <array>

namespace lateen::objects::s3 {
namespace {

struct Template {
  std::string_view property;
  std::string_view terraform;
  std::string_view aws_cli;
};

// @B the bucket, @R its region, @K the key.
constexpr std::array kTemplates = {
    Template{"versioning",
             R"(resource "aws_s3_bucket_versioning" "backups" {
  bucket = "@B"
  versioning_configuration {
    status = "Enabled"
  }
}
)",
             R"(aws s3api put-bucket-versioning --bucket @B \
  --versioning-configuration Status=Enabled
)"},
    Template{"encryption",
             R"(resource "aws_s3_bucket_server_side_encryption_configuration" "backups" {
  bucket = "@B"
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "@K"
    }
    bucket_key_enabled = true
  }
}
)",
             R"(aws s3api put-bucket-encryption --bucket @B --server-side-encryption-configuration \
  '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"@K"},"BucketKeyEnabled":true}]}'
)"},
    Template{"lifecycle",
             R"(resource "aws_s3_bucket_lifecycle_configuration" "backups" {
  bucket = "@B"
  rule {
    id     = "backups"
    status = "Enabled"
    filter {
      prefix = "backups/"
    }
    transition {
      days          = 30
      storage_class = "GLACIER_IR"
    }
  }
  rule {
    id     = "noncurrent"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 180
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
)",
             R"(aws s3api put-bucket-lifecycle-configuration --bucket @B --lifecycle-configuration \
  '{"Rules":[{"ID":"backups","Status":"Enabled","Filter":{"Prefix":"backups/"},"Transitions":[{"Days":30,"StorageClass":"GLACIER_IR"}]},{"ID":"noncurrent","Status":"Enabled","Filter":{"Prefix":""},"NoncurrentVersionExpiration":{"NoncurrentDays":180},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}'
)"},
    Template{"secure-transport",
             R"(resource "aws_s3_bucket_policy" "backups" {
  bucket = "@B"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::@B", "arn:aws:s3:::@B/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
)",
             R"(# Replaces the bucket's policy: add the statement to the one that is there, if any.
aws s3api put-bucket-policy --bucket @B --policy \
  '{"Version":"2012-10-17","Statement":[{"Sid":"DenyInsecureTransport","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::@B","arn:aws:s3:::@B/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
)"},
    Template{"public-access-block",
             R"(resource "aws_s3_bucket_public_access_block" "backups" {
  bucket                  = "@B"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}
)",
             R"(aws s3api put-public-access-block --bucket @B --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
)"},
    Template{
        "replication",
        R"(# The destination is a versioned bucket in another region than @R, the role one that S3 may assume.
resource "aws_s3_bucket_replication_configuration" "backups" {
  bucket = "@B"
  role   = "ROLE_ARN"
  rule {
    id     = "peer-region"
    status = "Enabled"
    filter {}
    delete_marker_replication {
      status = "Enabled"
    }
    destination {
      bucket = "DESTINATION_BUCKET_ARN"
    }
  }
}
)",
        R"(# The destination is a versioned bucket in another region than @R, the role one that S3 may assume.
aws s3api put-bucket-replication --bucket @B --replication-configuration \
  '{"Role":"ROLE_ARN","Rules":[{"ID":"peer-region","Priority":1,"Status":"Enabled","Filter":{"Prefix":""},"DeleteMarkerReplication":{"Status":"Enabled"},"Destination":{"Bucket":"DESTINATION_BUCKET_ARN"}}]}'
)"},
};

std::string fill(std::string_view text, const BucketNames& names) {
  std::string filled;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char mark = text[i] == '@' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (mark == 'B') {
      filled += names.bucket;
    } else if (mark == 'R') {
      filled += names.region.empty() ? "REGION" : names.region;
    } else if (mark == 'K') {
      filled += names.kms_key_id.empty() ? "KEY_ARN" : names.kms_key_id;
    } else {
      filled += text[i];
      continue;
    }
    ++i;
  }
  return filled;
}

}  // namespace

Remedy remedy_for(std::string_view property, const BucketNames& names) {
  for (const Template& one : kTemplates) {
    if (one.property == property) {
      return {.terraform = fill(one.terraform, names), .aws_cli = fill(one.aws_cli, names)};
    }
  }
  return {};
}

}  // namespace lateen::objects::s3
