# The syntax is that of Terraform 1.5, the newest that Resource Manager runs.
terraform {
  required_version = ">= 1.5.0"

  required_providers {
    oci = {
      source = "oracle/oci"
      # 9.3.0 is the oldest version of which we know that source_details takes an archive.
      version = ">= 9.3.0, < 10.0.0"
    }
  }
}

provider "oci" {
  region              = var.region
  config_file_profile = var.config_file_profile
  auth                = local.auth
  ignore_defined_tags = local.oracle_tags
}

# Users, groups, keys, and policies can be made in the tenancy's home region only.
provider "oci" {
  alias               = "home"
  region              = local.home_region
  config_file_profile = var.config_file_profile
  auth                = local.auth
  ignore_defined_tags = local.oracle_tags
}

data "oci_identity_region_subscriptions" "tenancy" {
  tenancy_id = var.tenancy_ocid
}

locals {
  # OCI itself adds these in most tenancies.
  oracle_tags   = ["Oracle-Tags.CreatedBy", "Oracle-Tags.CreatedOn"]
  freeform_tags = length(var.freeform_tags) > 0 ? var.freeform_tags : null
  defined_tags  = length(var.defined_tags) > 0 ? var.defined_tags : null

  home_region = one([
    for subscription in data.oci_identity_region_subscriptions.tenancy.region_subscriptions :
    subscription.region_name if subscription.is_home_region
  ])
  compartment_ocid = var.compartment_ocid
  # A form may send an empty text, which the provider refuses.
  auth = var.auth == "" ? null : var.auth
}
