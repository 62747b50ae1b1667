# Alarms, if anybody gets them. docs/operations.md says what to do at each.

locals {
  alarm_topics = concat(oci_ons_notification_topic.alarms[*].topic_id, var.alarm_topic_ocid == "" ? [] : [var.alarm_topic_ocid])
  responses    = "FunctionResponseCount[5m]{resourceId = \"${oci_functions_function.presign.id}\", responseType ="
  answers      = "HttpResponses[5m]{deploymentId = \"${oci_apigateway_deployment.presign.id}\","

  alarms = var.alarm_email == "" && var.alarm_topic_ocid == "" ? {} : {
    function-errors    = { namespace = "oci_faas", severity = "CRITICAL", query = "${local.responses} \"Error\"}.sum() > 0" }
    function-throttled = { namespace = "oci_faas", severity = "WARNING", query = "${local.responses} \"Throttled\"}.sum() > 0" }
    gateway-5xx        = { namespace = "oci_apigateway", severity = "CRITICAL", query = "${local.answers} httpStatusCategory = \"5xx\"}.sum() > 0" }
    gateway-401        = { namespace = "oci_apigateway", severity = "WARNING", query = "${local.answers} httpStatusCode = \"401\"}.sum() > ${var.alarm_unauthorized}" }
  }
}

resource "oci_ons_notification_topic" "alarms" {
  count = var.alarm_email == "" ? 0 : 1

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-alarms"
  description    = "Alarms of the presigned URLs."
}

# The receiver confirms the subscription by the link in a first mail.
resource "oci_ons_subscription" "alarms" {
  count = var.alarm_email == "" ? 0 : 1

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  topic_id       = oci_ons_notification_topic.alarms[0].topic_id
  protocol       = "EMAIL"
  endpoint       = var.alarm_email
}

resource "oci_monitoring_alarm" "presign" {
  for_each = local.alarms

  compartment_id        = local.compartment_ocid
  freeform_tags         = local.freeform_tags
  defined_tags          = local.defined_tags
  metric_compartment_id = local.compartment_ocid
  display_name          = "${var.name}-${each.key}"
  namespace             = each.value.namespace
  query                 = each.value.query
  severity              = each.value.severity
  pending_duration      = "PT1M"
  is_enabled            = true
  body                  = "See the section Alarms of docs/operations.md."
  destinations          = local.alarm_topics
}
