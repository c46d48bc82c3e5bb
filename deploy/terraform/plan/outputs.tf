output "bucket" { value = local.bucket }
output "replica_bucket" { value = local.replica_bucket }
output "schedules" { value = local.schedules }
output "snapshot_class" { value = local.snapshot_class }

# JSON texts.
output "role_policy" { value = templatefile("${path.module}/policies/role.json", local.places) }
output "bucket_policy" { value = templatefile("${path.module}/policies/bucket.json", local.places) }
output "replica_bucket_policy" {
  value = templatefile("${path.module}/policies/bucket.json", merge(local.places, { bucket = local.replica_bucket }))
}
output "replication_policy" { value = templatefile("${path.module}/policies/replication.json", local.places) }
