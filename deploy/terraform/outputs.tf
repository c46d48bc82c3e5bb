output "velero_bucket" {
  description = "The bucket of the backups; null when there is none."
  value       = one(aws_s3_bucket.velero[*].id)
}

output "velero_replica_bucket" {
  value = one(aws_s3_bucket.velero_replica[*].id)
}

output "velero_role_arn" {
  value = one(aws_iam_role.velero[*].arn)
}
