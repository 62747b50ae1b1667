resource "oci_logging_log_group" "presign" {
  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = var.name
}

locals {
  bucket_logs = var.bucket_logs ? { for category in ["read", "write"] : "${var.name}-bucket-${category}" => { service = "objectstorage", resource = local.bucket, category = category } } : {}
  logs = merge(local.bucket_logs, {
    "${var.name}-function"          = { service = "functions", resource = oci_functions_application.presign.id, category = "invoke" }
    "${var.name}-gateway-access"    = { service = "apigateway", resource = oci_apigateway_deployment.presign.id, category = "access" }
    "${var.name}-gateway-execution" = { service = "apigateway", resource = oci_apigateway_deployment.presign.id, category = "execution" }
  })
}

resource "oci_logging_log" "presign" {
  for_each = local.logs

  display_name       = each.key
  log_group_id       = oci_logging_log_group.presign.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = var.log_retention_days
  freeform_tags      = local.freeform_tags
  defined_tags       = local.defined_tags

  configuration {
    compartment_id = local.compartment_ocid

    source {
      source_type = "OCISERVICE"
      service     = each.value.service
      resource    = each.value.resource
      category    = each.value.category
    }
  }
}
