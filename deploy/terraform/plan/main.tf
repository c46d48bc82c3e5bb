# What follows from the variables alone: names, policies, Schedules. Nothing here asks a provider, so that it can be
# evaluated, and tested, anywhere.
locals {
  bucket         = "${var.cluster_name}-velero-backups-${var.bucket_suffix}"
  replica_bucket = "${local.bucket}-replica"

  places = {
    partition  = var.partition
    bucket     = local.bucket
    replica    = local.replica_bucket
    key        = var.kms_key_arn
    replicaKey = var.replica_kms_key_arn
  }

  template = {
    includedNamespaces      = ["*"]
    excludedNamespaces      = var.excluded_namespaces
    snapshotVolumes         = true
    csiSnapshotTimeout      = "30m"
    storageLocation         = "default"
    volumeSnapshotLocations = ["default"]
  }

  # [cron, ttl] by name. Each set holds what its name says: 30; 7 + 4 + 12.
  presets = {
    nightly = {
      nightly-cluster-backup = ["0 2 * * *", "720h"]
    }
    "23" = {
      daily-cluster-backup   = ["0 2 * * *", "168h"]
      weekly-cluster-backup  = ["0 3 * * 0", "672h"]
      monthly-cluster-backup = ["0 4 1 * *", "8760h"]
    }
  }

  schedules = [
    for name, when in local.presets[var.retention_preset] : {
      apiVersion = "velero.io/v1"
      kind       = "Schedule"
      metadata   = { name = name, namespace = var.velero_namespace }
      spec       = { schedule = when[0], template = merge(local.template, { ttl = when[1] }) }
    }
  ]

  # The class that Velero's CSI support picks by its label. Retain: a deleted VolumeSnapshot takes no backup along.
  snapshot_class = {
    apiVersion     = "snapshot.storage.k8s.io/v1"
    kind           = "VolumeSnapshotClass"
    metadata       = { name = "ebs-csi-default", labels = { "velero.io/csi-volumesnapshot-class" = "true" } }
    driver         = "ebs.csi.aws.com"
    deletionPolicy = "Retain"
    parameters     = { tagSpecification_1 = "velero.io/backup=true" }
  }
}
