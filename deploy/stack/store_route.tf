# The store route: API Gateway's way to Object Storage, which lets web pages of other origins use presigned URLs. Its
# deployment, oci_apigateway_deployment.store, is generated from gateway/store.json.

locals {
  wants_store_route = var.store_route == null ? local.makes_network : var.store_route
  has_store_route   = local.wants_store_route && local.needs_secret

  store_route_setting = local.has_store_route ? { STORE_ROUTE = one(oci_apigateway_deployment.store[*].endpoint) } : {}

  # A rule with a claim in its bucket is for the buckets that the input names.
  claim_buckets = var.buckets == "" ? [] : split(",", var.buckets)
  rule_buckets = {
    for kind, rules in { s3 = local.s3_rules, par = local.par_rules } : kind => distinct(flatten([
      for rule in rules : strcontains(try(rule.bucket, ""), "{") ? local.claim_buckets : [try(rule.bucket, "")]
    ]))
  }

  # The function signs for this host, so the gateway must pass requests on to it.
  realm = split(".", var.tenancy_ocid)[2]
  realm_domains = {
    oc1  = "oraclecloud.com"
    oc2  = "oraclegovcloud.com"
    oc3  = "oraclegovcloud.com"
    oc4  = "oraclegovcloud.uk"
    oc19 = "oraclecloud.eu"
  }
  store_template = lookup(
    var.settings, "STORAGE_ENDPOINT",
    "https://{namespace}.compat.objectstorage.{region}.${lookup(local.realm_domains, local.realm, "oraclecloud${trimprefix(local.realm, "oc")}.com")}"
  )
  store_url = trimsuffix(replace(replace(
    local.store_template, "{namespace}", data.oci_objectstorage_namespace.tenancy.namespace
  ), "{region}", var.region), "/")

  # A deployment that was made with the default policy of release 0.2 keeps it, as its users' pages rely on it.
  keeps_par_default = anytrue([
    for made in data.oci_functions_function.made : try(made.config["POLICY"], "") == local.par_default_policy
  ])

  # The right to make pre-authenticated requests counts at each use of one, so it stays while people hold any.
  held_par_buckets = [
    for name, found in data.oci_objectstorage_preauthrequests.held : name
    if anytrue([for par in found.preauthenticated_requests : startswith(par.name, "presign:")])
  ]
}

data "oci_functions_applications" "made" {
  compartment_id = local.compartment_ocid
  display_name   = var.name
}

data "oci_functions_functions" "made" {
  for_each = toset(data.oci_functions_applications.made.applications[*].id)

  application_id = each.key
  display_name   = var.name
}

data "oci_functions_function" "made" {
  for_each = toset(flatten([for found in data.oci_functions_functions.made : found.functions[*].id]))

  function_id = each.key
}

data "oci_objectstorage_bucket_summaries" "made" {
  compartment_id = local.compartment_ocid
  namespace      = data.oci_objectstorage_namespace.tenancy.namespace
}

data "oci_objectstorage_preauthrequests" "held" {
  for_each = local.has_pars ? [] : setintersection(
    data.oci_objectstorage_bucket_summaries.made.bucket_summaries[*].name, concat([local.bucket], local.rule_buckets.s3)
  )

  namespace = data.oci_objectstorage_namespace.tenancy.namespace
  bucket    = each.key
}

resource "terraform_data" "store_route_inputs" {
  lifecycle {
    precondition {
      condition     = !local.has_store_route || !contains(keys(var.settings), "STORE_ROUTE")
      error_message = "settings: the stack itself sets STORE_ROUTE. Or set store_route = false."
    }
    precondition {
      condition     = !local.has_store_route || can(regex("^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", local.store_url))
      error_message = "store_route: the gateway can't pass requests on to the setting STORAGE_ENDPOINT; it must be https:// and have no {bucket}. Or set store_route = false."
    }
  }
}
