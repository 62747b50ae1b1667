locals {
  claims_key = sensitive(terraform_data.claims_key.output)

  # The settings whose values are known before anything is made.
  known_settings = {
    NAMESPACE      = data.oci_objectstorage_namespace.tenancy.namespace
    DEFAULT_BUCKET = local.bucket
    POLICY         = local.policy_setting
  }
  own_settings = merge(
    local.known_settings,
    { CLAIMS_KEY = local.claims_key },
    local.needs_secret ? { SECRET_OCID = local.secret_ocid } : {},
    var.deliver_to == "queue" ? { DELIVER_TO = one(oci_queue_queue.events[*].id) } : {},
    var.deliver_to == "notifications" ? { DELIVER_TO = one(oci_ons_notification_topic.events[*].topic_id) } : {},
  )
}

# The gateway secret: the function takes no claim without it. It lies in the Terraform state.
resource "terraform_data" "claims_key" {
  input = uuid()

  lifecycle {
    ignore_changes = [input]
  }
}

resource "oci_functions_application" "presign" {
  compartment_id = local.compartment_ocid
  display_name   = var.name
  subnet_ids     = [local.function_subnet_id]
  # Wheels in the archive are for x86.
  shape = "GENERIC_X86"
}

resource "oci_functions_function" "presign" {
  application_id     = oci_functions_application.presign.id
  display_name       = var.name
  memory_in_mbs      = tostring(var.memory_in_mbs)
  timeout_in_seconds = 30
  config             = merge(var.settings, local.own_settings, local.store_route_setting)

  source_details {
    source_type        = var.image == "" ? "ARCHIVE" : "CONTAINER_IMAGE"
    image              = var.image == "" ? null : var.image
    handler            = var.image == "" ? "func.handler" : null
    source_code_sha256 = var.image == "" ? try(filebase64sha256(local.archive_file), null) : null

    dynamic "archive_source_details" {
      for_each = var.image == "" ? [local.archive] : []

      content {
        archive_source_type = "DIRECT_ARCHIVE"
        archive_file        = archive_source_details.value
      }
    }

    dynamic "runtime_config" {
      for_each = var.image == "" ? [var.runtime_name] : []

      content {
        functions_runtime_name = runtime_config.value
        runtime_config_type    = "FUNCTION_UPDATE"
      }
    }
  }

  provisioned_concurrency_config {
    strategy = var.provisioned_concurrency > 0 ? "CONSTANT" : "NONE"
    count    = var.provisioned_concurrency > 0 ? var.provisioned_concurrency : null
  }

  depends_on = [terraform_data.inputs]

  lifecycle {
    # A function can't change between an archive and an image.
    replace_triggered_by = [terraform_data.source_type]
  }
}

resource "terraform_data" "source_type" {
  input = var.image == "" ? "ARCHIVE" : "CONTAINER_IMAGE"
}
