data "oci_objectstorage_namespace" "tenancy" {
  compartment_id = var.tenancy_ocid
}

resource "oci_objectstorage_bucket" "presign" {
  count = var.create_bucket ? 1 : 0

  compartment_id        = local.compartment_ocid
  namespace             = data.oci_objectstorage_namespace.tenancy.namespace
  name                  = local.bucket
  access_type           = "NoPublicAccess"
  object_events_enabled = local.has_events
  # An object that an upload replaces stays as an older version.
  versioning = "Enabled"
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

  # Object Storage refuses the rule until it may carry it out.
  depends_on = [oci_identity_policy.lifecycle]
}
