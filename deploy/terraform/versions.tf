terraform {
  required_version = ">= 1.5"
  required_providers {
    # 6.0 has the region of a resource, which the replica needs.
    aws  = { source = "hashicorp/aws", version = ">= 6.0" }
    helm = { source = "hashicorp/helm", version = ">= 2.12" }
  }
}
