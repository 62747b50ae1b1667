# Object events call the function, and its answers go to a queue or a topic.

resource "oci_events_rule" "objects" {
  count = local.has_events ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = "${var.name}-objects"
  description    = "Calls the function for each object that is created or updated."
  is_enabled     = true
  condition = jsonencode({
    eventType = ["com.oraclecloud.objectstorage.createobject", "com.oraclecloud.objectstorage.updateobject"]
    data      = { additionalDetails = { bucketName = local.event_buckets } }
  })

  actions {
    actions {
      action_type = "FAAS"
      is_enabled  = true
      function_id = oci_functions_function.presign.id
    }
  }
}

resource "oci_queue_queue" "events" {
  count = var.deliver_to == "queue" ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = "${var.name}-events"
}

resource "oci_ons_notification_topic" "events" {
  count = var.deliver_to == "notifications" ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-events"
  description    = "Messages hold working URLs: subscribe those only who may read the objects."
}
