variable "enable_velero" {
  description = "Backups cost money every month (S3, EBS snapshots): off until you want them."
  type        = bool
  default     = false
}

variable "cluster_name" {
  description = "The EKS cluster; the bucket and the role are named after it."
  type        = string
}

variable "region" {
  description = "Where the cluster, its volumes and the bucket are."
  type        = string
}

variable "bucket_suffix" {
  description = "Ends the bucket's name, which must be unique in the world. Empty: from the account's number."
  type        = string
  default     = ""
}

variable "oidc_provider_arn" {
  description = "The cluster's OIDC provider (module.eks.oidc_provider_arn): the server's ServiceAccount takes the role through it."
  type        = string
}

variable "velero_namespace" {
  type    = string
  default = "velero"
}

variable "velero_chart" {
  description = "The chart: a folder, an archive, or a name in velero_chart_repository. Velero's own chart takes the same values."
  type        = string
  default     = ""
}

variable "velero_chart_repository" {
  type    = string
  default = null
}

variable "velero_chart_version" {
  type    = string
  default = null
}

variable "velero_image" {
  description = "{repository, tag} of the server's image. Empty: the chart's."
  type        = map(string)
  default     = {}
}

variable "velero_values" {
  description = "More values for the chart, as YAML texts; later ones win."
  type        = list(string)
  default     = []
}

variable "retention_preset" {
  description = "nightly: one Schedule, 30 days. 23: seven daily, four weekly and twelve monthly backups, three Schedules."
  type        = string
  default     = "nightly"
  validation {
    condition     = contains(["nightly", "23"], var.retention_preset)
    error_message = "retention_preset is \"nightly\" or \"23\"."
  }
}

variable "excluded_namespaces" {
  description = "Left out by the Schedules. Think twice: what controllers make in a namespace is in no Git."
  type        = list(string)
  default     = ["kube-system", "kube-public", "kube-node-lease"]
}

variable "kms_key_arn" {
  description = "The key that encrypts the bucket. Empty: one is made."
  type        = string
  default     = ""
}

variable "replica_region" {
  description = "A second region that the bucket is replicated to. Empty: none; then the loss of the region is the loss of the backups."
  type        = string
  default     = ""
}

variable "lock_days" {
  description = "Object lock, in days: nobody deletes what is younger, not even with the role's rights. 0: none. Can only be turned on when the bucket is made."
  type        = number
  default     = 0
  validation {
    condition     = var.lock_days >= 0 && floor(var.lock_days) == var.lock_days
    error_message = "lock_days is a whole number, 0 or more."
  }
}

variable "lock_mode" {
  description = "GOVERNANCE (can be overruled with a permission of its own) or COMPLIANCE (cannot, by nobody)."
  type        = string
  default     = "GOVERNANCE"
  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.lock_mode)
    error_message = "lock_mode is GOVERNANCE or COMPLIANCE."
  }
}

variable "enable_node_agent" {
  description = "Node agents copy the files of volumes that have no snapshots (EFS, others' drivers)."
  type        = bool
  default     = true
}

variable "tags" {
  type    = map(string)
  default = {}
}
