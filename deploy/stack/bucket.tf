data "oci_objectstorage_namespace" "tenancy" {
  compartment_id = var.tenancy_ocid
}

resource "oci_objectstorage_bucket" "presign" {
  count = var.create_bucket ? 1 : 0

  compartment_id        = local.compartment_ocid
  freeform_tags         = local.freeform_tags
  defined_tags          = local.defined_tags
  namespace             = data.oci_objectstorage_namespace.tenancy.namespace
  name                  = local.bucket
  access_type           = "NoPublicAccess"
  object_events_enabled = contains(local.event_buckets, local.bucket)
  # An object that an upload replaces stays as an older version.
  versioning = "Enabled"
  kms_key_id = var.bucket_key_ocid == "" ? null : var.bucket_key_ocid
}

# The buckets that the policy names and that are not made here.
data "oci_objectstorage_bucket" "named" {
  for_each = setsubtract([for name in concat([local.bucket], [for rule in local.rules : try(rule.bucket, "")]) : name if can(regex("^[A-Za-z0-9._-]+$", name))], var.create_bucket ? [local.bucket] : [])

  namespace = data.oci_objectstorage_namespace.tenancy.namespace
  name      = each.key

  lifecycle {
    postcondition {
      condition     = self.compartment_id == local.compartment_ocid
      error_message = "The bucket ${each.key} is in another compartment, where the rights that the stack gives do not count."
    }
    postcondition {
      condition     = self.object_events_enabled || !contains(local.event_buckets, each.key)
      error_message = "The bucket ${each.key} emits no events, which the policy needs: oci os bucket update --name ${each.key} --object-events-enabled true"
    }
  }
}

# Parts of uploads that nobody finished would cost for ever.
resource "oci_objectstorage_object_lifecycle_policy" "presign" {
  count = var.create_bucket ? 1 : 0

  namespace = data.oci_objectstorage_namespace.tenancy.namespace
  bucket    = oci_objectstorage_bucket.presign[0].name

  rules {
    name        = "unfinished-uploads"
    action      = "ABORT"
    target      = "multipart-uploads"
    is_enabled  = true
    time_amount = 7
    time_unit   = "DAYS"
  }

  dynamic "rules" {
    for_each = var.keep_versions_days > 0 ? [var.keep_versions_days] : []

    content {
      name        = "older-versions"
      action      = "DELETE"
      target      = "previous-object-versions"
      is_enabled  = true
      time_amount = rules.value
      time_unit   = "DAYS"
    }
  }

  # Object Storage refuses the rule until it may carry it out.
  depends_on = [oci_identity_policy.lifecycle]
}
