variable "cluster_name" { type = string }
variable "bucket_suffix" { type = string }
variable "partition" {
  type    = string
  default = "aws"
}
variable "kms_key_arn" { type = string }
variable "replica_kms_key_arn" {
  type    = string
  default = ""
}
variable "retention_preset" { type = string }
variable "excluded_namespaces" { type = list(string) }
variable "velero_namespace" { type = string }
