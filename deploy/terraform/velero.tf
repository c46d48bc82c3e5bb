# Lateen on EKS: a bucket that backups are safe in, a role that can do no more than it must, the server, its Schedules.
# `enable_velero = false` makes nothing; turned off later it removes the server and keeps the bucket (force_destroy is
# false): cleanup-pre-destroy.sh empties it when you mean it.

data "aws_caller_identity" "velero" {
  count = local.velero_count
}

data "aws_partition" "velero" {
  count = local.velero_count
}

locals {
  velero_count         = var.enable_velero ? 1 : 0
  velero_replica_count = var.enable_velero && var.replica_region != "" ? 1 : 0
  velero_made_key      = var.enable_velero && var.kms_key_arn == "" ? 1 : 0
  velero_lock_count    = var.enable_velero && var.lock_days > 0 ? 1 : 0
  velero_key           = var.kms_key_arn != "" ? var.kms_key_arn : one(aws_kms_key.velero[*].arn)
  velero_issuer        = replace(var.oidc_provider_arn, "/^.*oidc-provider\\//", "")
}

module "velero_plan" {
  count               = local.velero_count
  source              = "./plan"
  cluster_name        = var.cluster_name
  bucket_suffix       = var.bucket_suffix != "" ? var.bucket_suffix : substr(sha256(data.aws_caller_identity.velero[0].account_id), 0, 8)
  partition           = data.aws_partition.velero[0].partition
  kms_key_arn         = local.velero_key
  replica_kms_key_arn = local.velero_replica_count > 0 ? aws_kms_key.velero_replica[0].arn : ""
  retention_preset    = var.retention_preset
  excluded_namespaces = var.excluded_namespaces
  velero_namespace    = var.velero_namespace
}

resource "aws_kms_key" "velero" {
  count                   = local.velero_made_key
  description             = "Backups of ${var.cluster_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = var.tags
}

resource "aws_s3_bucket" "velero" {
  count               = local.velero_count
  bucket              = module.velero_plan[0].bucket
  force_destroy       = false
  object_lock_enabled = var.lock_days > 0
  tags                = var.tags
}

resource "aws_s3_bucket_versioning" "velero" {
  count  = local.velero_count
  bucket = aws_s3_bucket.velero[0].id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "velero" {
  count  = local.velero_count
  bucket = aws_s3_bucket.velero[0].id
  rule {
    # A key for the bucket: one request to KMS where there would be a hundred.
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.velero_key
    }
  }
}

resource "aws_s3_bucket_public_access_block" "velero" {
  count                   = local.velero_count
  bucket                  = aws_s3_bucket.velero[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "velero" {
  count  = local.velero_count
  bucket = aws_s3_bucket.velero[0].id
  policy = module.velero_plan[0].bucket_policy
  # Both are changes of who may come in, and S3 takes one at a time.
  depends_on = [aws_s3_bucket_public_access_block.velero]
}

resource "aws_s3_bucket_lifecycle_configuration" "velero" {
  count  = local.velero_count
  bucket = aws_s3_bucket.velero[0].id

  # Only the tarballs and documents of backups. Repositories (kopia/, restic/) stay where reading costs nothing: their
  # indexes lie beside their data and every backup reads them.
  rule {
    id     = "backups-to-glacier-ir"
    status = "Enabled"
    filter { prefix = "backups/" }
    transition {
      days          = 30
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "noncurrent-expire"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 180 }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }

  depends_on = [aws_s3_bucket_versioning.velero]
}

resource "aws_s3_bucket_object_lock_configuration" "velero" {
  count  = local.velero_lock_count
  bucket = aws_s3_bucket.velero[0].id
  rule {
    default_retention {
      mode = var.lock_mode
      days = var.lock_days
    }
  }
}

# The server's identity: its ServiceAccount, and nobody else's, takes the role.
resource "aws_iam_role" "velero" {
  count = local.velero_count
  name  = "${var.cluster_name}-velero"
  tags  = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.oidc_provider_arn }
      Condition = { StringEquals = {
        "${local.velero_issuer}:sub" = "system:serviceaccount:${var.velero_namespace}:velero"
        "${local.velero_issuer}:aud" = "sts.amazonaws.com"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "velero" {
  count  = local.velero_count
  name   = "velero"
  role   = aws_iam_role.velero[0].id
  policy = module.velero_plan[0].role_policy
}

resource "helm_release" "velero" {
  count            = local.velero_count
  name             = "velero"
  namespace        = var.velero_namespace
  create_namespace = true
  repository       = var.velero_chart_repository
  chart            = var.velero_chart != "" ? var.velero_chart : "${path.module}/../helm/lateen"
  version          = var.velero_chart_version

  values = concat([yamlencode({
    image           = var.velero_image
    credentials     = { useSecret = false }
    serviceAccount  = { server = { name = "velero", annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.velero[0].arn } } }
    deployNodeAgent = var.enable_node_agent
    configuration = {
      features = "EnableCSI"
      backupStorageLocation = [{
        name     = "default"
        provider = "aws"
        bucket   = aws_s3_bucket.velero[0].id
        default  = true
        config   = { region = var.region }
      }]
      volumeSnapshotLocation = [{
        name     = "default"
        provider = "aws"
        config   = { region = var.region, tagProfile = "owned" }
      }]
    }
    # By their own names: `velero schedule get` shows nightly-cluster-backup.
    extraObjects = concat([module.velero_plan[0].snapshot_class], module.velero_plan[0].schedules)
  })], var.velero_values)

  # The first backup finds its rights and a bucket that is as it should be.
  depends_on = [aws_iam_role_policy.velero, aws_s3_bucket_policy.velero,
  aws_s3_bucket_versioning.velero, aws_s3_bucket_server_side_encryption_configuration.velero]
}
