# A schedule calls the function once a day to delete expired pre-authenticated requests. They would stay listed, and a
# bucket that has any can't be deleted.

locals {
  par_buckets = var.sweep ? local.granted_buckets.par : []
}

resource "oci_resource_scheduler_schedule" "sweep" {
  for_each = toset(local.par_buckets)

  compartment_id     = local.compartment_ocid
  freeform_tags      = local.freeform_tags
  defined_tags       = local.defined_tags
  display_name       = "${var.name}-sweep-${each.key}"
  description        = "Deletes the expired pre-authenticated requests of the bucket ${each.key}."
  action             = "START_RESOURCE"
  recurrence_type    = "ICAL"
  recurrence_details = "FREQ=DAILY;INTERVAL=1"

  resources {
    id = oci_functions_function.presign.id

    parameters {
      parameter_type = "BODY"
      value          = [jsonencode({ sweep = { bucket = each.key } })]
    }
  }
}

resource "oci_identity_policy" "sweep" {
  count    = length(local.par_buckets) > 0 ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-sweep"
  description    = "Lets the schedules call the function."
  statements = [
    for schedule in oci_resource_scheduler_schedule.sweep :
    "allow any-user to use fn-invocation in ${local.in_compartment} where all {request.principal.type = 'resourceschedule', request.principal.id = '${schedule.id}', target.function.id = '${oci_functions_function.presign.id}'}"
  ]
}
