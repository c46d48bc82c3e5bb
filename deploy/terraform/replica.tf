# A copy of the bucket in another region, when replica_region is set. What was in the bucket before is not copied.

resource "aws_kms_key" "velero_replica" {
  count                   = local.velero_replica_count
  region                  = var.replica_region
  description             = "Backups of ${var.cluster_name}, the copy"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = var.tags
}

resource "aws_s3_bucket" "velero_replica" {
  count               = local.velero_replica_count
  region              = var.replica_region
  bucket              = module.velero_plan[0].replica_bucket
  force_destroy       = false
  object_lock_enabled = var.lock_days > 0
  tags                = var.tags
}

resource "aws_s3_bucket_versioning" "velero_replica" {
  count  = local.velero_replica_count
  region = var.replica_region
  bucket = aws_s3_bucket.velero_replica[0].id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "velero_replica" {
  count  = local.velero_replica_count
  region = var.replica_region
  bucket = aws_s3_bucket.velero_replica[0].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.velero_replica[0].arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "velero_replica" {
  count                   = local.velero_replica_count
  region                  = var.replica_region
  bucket                  = aws_s3_bucket.velero_replica[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "velero_replica" {
  count      = local.velero_replica_count
  region     = var.replica_region
  bucket     = aws_s3_bucket.velero_replica[0].id
  policy     = module.velero_plan[0].replica_bucket_policy
  depends_on = [aws_s3_bucket_public_access_block.velero_replica]
}

resource "aws_iam_role" "velero_replication" {
  count = local.velero_replica_count
  name  = "${var.cluster_name}-velero-replication"
  tags  = var.tags
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "s3.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "velero_replication" {
  count  = local.velero_replica_count
  name   = "replication"
  role   = aws_iam_role.velero_replication[0].id
  policy = module.velero_plan[0].replication_policy
}

resource "aws_s3_bucket_replication_configuration" "velero" {
  count  = local.velero_replica_count
  bucket = aws_s3_bucket.velero[0].id
  role   = aws_iam_role.velero_replication[0].arn
  rule {
    id     = "all"
    status = "Enabled"
    filter {}
    # A deleted backup stays in the copy until its lifecycle ends it: what deletes here by mistake does not delete there.
    delete_marker_replication { status = "Disabled" }
    source_selection_criteria {
      sse_kms_encrypted_objects { status = "Enabled" }
    }
    destination {
      bucket = aws_s3_bucket.velero_replica[0].arn
      encryption_configuration { replica_kms_key_id = aws_kms_key.velero_replica[0].arn }
    }
  }
  depends_on = [aws_s3_bucket_versioning.velero, aws_s3_bucket_versioning.velero_replica, aws_iam_role_policy.velero_replication]
}
