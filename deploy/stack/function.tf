locals {
  # Release 0.2 kept the secret as an input, and it stays there until `make rotate` replaces it.
  gateway_secrets = {
    for name, one in terraform_data.gateway_secret : name => sensitive(one.triggers_replace != null ? one.triggers_replace : one.output)
  }
  sent_secret = local.gateway_secrets[var.gateway_secrets[length(var.gateway_secrets) - 1]]

  # The settings whose values are known before anything is made.
  known_settings = {
    NAMESPACE      = data.oci_objectstorage_namespace.tenancy.namespace
    DEFAULT_BUCKET = local.bucket
    POLICY         = local.policy_setting
    # With a mark that outlives the function, its pre-authenticated requests stay its own when it is replaced.
    FUNCTION_TAG = substr(sha256("${local.compartment_ocid}/${var.name}"), 0, 12)
  }
  own_settings = merge(
    local.known_settings,
    # In the order of the names, so that the function stays as it is when the gateway takes the other one.
    { CLAIMS_KEY = join(",", [for name in sort(var.gateway_secrets) : local.gateway_secrets[name]]) },
    local.needs_secret ? { SECRET_OCID = local.secret_ocid } : {},
    var.deliver_to == "queue" ? { DELIVER_TO = one(oci_queue_queue.events[*].id) } : {},
    var.deliver_to == "notifications" ? { DELIVER_TO = one(oci_ons_notification_topic.events[*].topic_id) } : {},
  )
}

# The gateway secrets: the function takes no claim without one. They lie in the Terraform state. As a trigger, a secret
# keeps its mark, and no plan prints it; an output would lose it.
resource "terraform_data" "gateway_secret" {
  for_each = toset(var.gateway_secrets)

  triggers_replace = sensitive(uuid())

  lifecycle {
    ignore_changes = [input, triggers_replace]
  }
}

moved {
  from = terraform_data.claims_key
  to   = terraform_data.gateway_secret["a"]
}

resource "oci_functions_application" "presign" {
  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
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
  freeform_tags      = local.freeform_tags
  defined_tags       = local.defined_tags

  source_details {
    source_type = var.image == "" ? "ARCHIVE" : "CONTAINER_IMAGE"
    image       = var.image == "" ? null : var.image
    handler     = var.image == "" ? "func.handler" : null

    dynamic "archive_source_details" {
      for_each = var.image == "" ? [local.archive] : []

      content {
        archive_source_type = "DIRECT_ARCHIVE"
        archive_file        = archive_source_details.value
      }
    }

    dynamic "runtime_config" {
      for_each = var.image == "" ? [coalesce(var.runtime_name, local.runtime_of_archive)] : []

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
