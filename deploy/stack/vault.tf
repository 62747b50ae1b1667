# The customer secret key, as the function reads it.

locals {
  makes_vault = local.makes_signer && var.vault_ocid == ""
  vault_ocid  = local.makes_vault ? one(oci_kms_vault.presign[*].id) : var.vault_ocid
  key_ocid    = local.makes_vault ? one(oci_kms_key.presign[*].id) : var.key_ocid
  secret_ocid = local.makes_signer ? one(oci_vault_secret.key[*].id) : var.secret_ocid
  signing_key = local.makes_signer ? oci_identity_customer_secret_key.signer[var.signing_keys[length(var.signing_keys) - 1]] : null
}

resource "oci_kms_vault" "presign" {
  count = local.makes_vault ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = var.name
  vault_type     = "DEFAULT"
}

resource "oci_kms_key" "presign" {
  count = local.makes_vault ? 1 : 0

  compartment_id      = local.compartment_ocid
  freeform_tags       = local.freeform_tags
  defined_tags        = local.defined_tags
  display_name        = var.name
  management_endpoint = oci_kms_vault.presign[0].management_endpoint
  protection_mode     = "SOFTWARE"

  key_shape {
    algorithm = "AES"
    length    = 32
  }
}

resource "oci_vault_secret" "key" {
  count = local.makes_signer ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vault_id       = local.vault_ocid
  key_id         = local.key_ocid
  # A deleted secret keeps its name for days, and a second one of that name would be refused.
  secret_name = "${var.name}-key-${substr(sha256(local.signing_key.id), 0, 8)}"
  description = "The customer secret key that signs presigned URLs."

  secret_content {
    content_type = "BASE64"
    content = sensitive(base64encode(jsonencode({
      access_key_id     = local.signing_key.id
      secret_access_key = local.signing_key.key
    })))
  }

  lifecycle {
    # The next key becomes another version of this secret.
    ignore_changes = [secret_name]
  }
}
