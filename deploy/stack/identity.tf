# The signing user, the function's dynamic group, and their rights. All of it is made in the home region.

locals {
  # A policy of PARs alone needs no customer secret key.
  needs_secret = length(local.s3_rules) > 0
  makes_signer = local.needs_secret && var.secret_ocid == ""
  has_pars     = length(local.par_rules) > 0

  in_compartment = "compartment id ${local.compartment_ocid}"
  the_function   = "dynamic-group id ${oci_identity_dynamic_group.function.id}"

  secret_statements = local.needs_secret ? [
    "allow ${local.the_function} to read secret-bundles in ${local.makes_signer ? local.in_compartment : "tenancy"} where target.secret.id = '${local.secret_ocid}'",
  ] : []
  # By these the function tells a deleted bucket, whose events are over, from a missing right.
  list_statements = anytrue([for rule in local.rules : try(rule.single_use, false)]) ? [
    "allow ${local.the_function} to inspect buckets in ${local.in_compartment}",
  ] : []
  par_statements = local.has_pars || length(local.held_par_buckets) > 0 ? concat(
    ["allow ${local.the_function} to manage buckets in ${local.in_compartment} where all {request.permission = 'PAR_MANAGE', ${local.where.par.bucket}}"],
    [for where in local.where.par.objects : "allow ${local.the_function} to manage objects in ${local.in_compartment} where all {${where}}"],
  ) : []
  delivery_statements = {
    none = []
    queue = flatten([for queue in oci_queue_queue.events : [
      "allow ${local.the_function} to read queues in ${local.in_compartment} where target.queue.id = '${queue.id}'",
      "allow ${local.the_function} to use queue-push in ${local.in_compartment} where target.queue.id = '${queue.id}'",
    ]])
    # Notifications has no variable for a topic, so this covers all topics of the compartment.
    notifications = [
      "allow ${local.the_function} to use ons-topics in ${local.in_compartment} where request.permission = 'ONS_TOPIC_PUBLISH'",
    ]
  }
}

resource "oci_identity_user" "signer" {
  count    = local.makes_signer ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-signer"
  description    = "Signs presigned URLs, which can do what this user may do."
  # Identity domains refuse a user without an address. Nobody gets mail at this one.
  email = coalesce(var.signing_user_email, "${var.name}-signer@example.com")
}

resource "oci_identity_user_capabilities_management" "signer" {
  count    = local.makes_signer ? 1 : 0
  provider = oci.home

  user_id                      = oci_identity_user.signer[0].id
  can_use_customer_secret_keys = true
  can_use_api_keys             = false
  can_use_auth_tokens          = false
  can_use_console_password     = false
  can_use_smtp_credentials     = false
}

resource "oci_identity_group" "signers" {
  count    = local.makes_signer ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-signers"
  description    = "Has the user whose key signs presigned URLs."
}

resource "oci_identity_user_group_membership" "signer" {
  count    = local.makes_signer ? 1 : 0
  provider = oci.home

  user_id  = oci_identity_user.signer[0].id
  group_id = oci_identity_group.signers[0].id
}

# The secret half of the key lies in the Terraform state; give secret_ocid to keep it out.
resource "oci_identity_customer_secret_key" "signer" {
  for_each = local.makes_signer ? toset(var.signing_keys) : []
  provider = oci.home

  user_id      = oci_identity_user.signer[0].id
  display_name = each.key == "a" ? var.name : "${var.name}-${each.key}"
}

moved {
  from = oci_identity_customer_secret_key.signer[0]
  to   = oci_identity_customer_secret_key.signer["a"]
}

resource "oci_identity_policy" "signers" {
  count    = local.makes_signer ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-signers"
  description    = "Lets presigned URLs do what the policy grants."
  statements = concat(
    ["allow group id ${oci_identity_group.signers[0].id} to read buckets in ${local.in_compartment} where ${local.where.s3.bucket}"],
    [for where in local.where.s3.objects : "allow group id ${oci_identity_group.signers[0].id} to manage objects in ${local.in_compartment} where all {${where}}"],
  )
}

resource "oci_identity_dynamic_group" "function" {
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-function"
  description    = "Has the function that hands out presigned URLs."
  matching_rule  = "ALL {resource.type = 'fnfunc', resource.id = '${oci_functions_function.presign.id}'}"
}

resource "oci_identity_policy" "function" {
  count    = local.needs_secret || length(local.par_statements) > 0 || var.deliver_to != "none" ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-function"
  description    = "Lets the function read its key, manage pre-authenticated requests, and deliver answers, as far as it does."
  statements     = concat(local.secret_statements, local.par_statements, local.list_statements, local.delivery_statements[var.deliver_to])
}

resource "oci_identity_policy" "gateway" {
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-gateway"
  description    = "Lets API Gateway call the function."
  statements = [
    "allow any-user to use functions-family in ${local.in_compartment} where ALL {request.principal.type = 'ApiGateway', request.resource.compartment.id = '${local.compartment_ocid}'}",
  ]
}

resource "oci_identity_policy" "lifecycle" {
  count    = var.create_bucket ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  name           = "${var.name}-lifecycle"
  description    = "Lets Object Storage drop unfinished uploads."
  statements = [
    "allow service objectstorage-${var.region} to manage object-family in ${local.in_compartment} where target.bucket.name = '${local.bucket}'",
  ]
}
