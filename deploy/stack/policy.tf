# The policy, and the conditions of the IAM statements that its URLs need. Which permissions an operation needs is in
# permissions.tf.json, which `python -m deploy stack` makes from deploy/statements.py.

locals {
  bucket      = var.bucket == "" ? var.name : var.bucket
  policy_file = "${path.module}/policy.json"

  # A web app's needs: each user has a folder. A page that somebody uploads would run scripts, so types are named.
  web_default_rules = [
    {
      operations     = ["read", "list_objects_v2", "delete_object"]
      bucket         = local.bucket
      prefix         = "users/{sub}/"
      max_expires_in = 3600
    },
    {
      operations         = ["put_object", "multipart"]
      bucket             = local.bucket
      prefix             = "users/{sub}/"
      max_expires_in     = 3600
      max_content_length = 1073741824
      content_types      = ["image/*", "video/*", "audio/*", "application/pdf", "text/plain"]
    },
  ]
  # Without the store route, uploads and listings by PARs, since the S3 Compatibility API answers no page of another origin.
  par_default_rules = [
    {
      operations     = ["get_object", "head_object", "get_prefix", "put_object"]
      bucket         = local.bucket
      prefix         = "users/{sub}/"
      via            = "par"
      max_expires_in = 3600
    },
    {
      operations     = ["get_object"]
      bucket         = local.bucket
      prefix         = "users/{sub}/"
      max_expires_in = 3600
    },
  ]
  delivery_rules = var.deliver_to == "none" ? [] : [
    {
      operations     = ["get_object"]
      bucket         = local.bucket
      prefix         = ""
      callers        = ["invoke"]
      max_expires_in = 3600
    },
  ]
  web_default_policy = jsonencode({ rules = concat(local.web_default_rules, local.delivery_rules) })
  par_default_policy = jsonencode({ rules = concat(local.par_default_rules, local.delivery_rules) })
  has_web_default    = local.wants_store_route && !local.keeps_par_default
  is_policy_in_file  = var.policy == "" && fileexists(local.policy_file)
  # An editor may have written a byte order mark, which the function ignores too.
  policy_of_file = fileexists(local.policy_file) ? trimprefix(file(local.policy_file), "\ufeff") : null
  given_policy   = var.policy != "" ? jsonencode(jsondecode(var.policy)) : local.policy_of_file
  policy_text = (
    local.given_policy != null ? local.given_policy : local.has_web_default ? local.web_default_policy : local.par_default_policy
  )
  # make deploy puts a policy file into the archive too.
  policy_setting = local.is_policy_in_file && var.image == "" ? "file:policy.json" : local.policy_text
  rules          = try(jsondecode(local.policy_text).rules[*], [])

  s3_rules  = [for rule in local.rules : rule if try(rule.via, "s3") == "s3"]
  par_rules = [for rule in local.rules : rule if try(rule.via, "s3") == "par"]
  # An event has no claims.
  event_rules = [
    for rule in local.rules : rule
    if contains(try(rule.callers, ["invoke"]), "invoke") && length(setintersection(try(rule.operations, []), local.event_operations)) > 0
    && try(length(rule.when), 0) == 0 && !strcontains("${try(rule.bucket, "")}${try(rule.prefix, "")}", "{")
  ]
  event_rule_buckets = concat(
    var.events || var.deliver_to != "none" ? concat([local.bucket], [for rule in local.event_rules : try(rule.bucket, "")]) : [],
    [for rule in local.rules : try(rule.bucket, "") if try(rule.single_use, false)],
  )
  event_buckets = distinct(flatten([
    for bucket in local.event_rule_buckets : strcontains(bucket, "{") ? local.claim_buckets : [bucket]
  ]))
  has_events = length(local.event_buckets) > 0

  # URLs that only create need no right to overwrite, which a leaked key could use. Parts can't be bound to that, and
  # pre-authenticated requests neither.
  uploading_rules = [
    for rule in local.s3_rules : rule
    if length(setintersection(flatten([for operation in try(rule.operations, []) : lookup(local.permissions, operation, [])]), ["OBJECT_OVERWRITE"])) > 0
  ]
  only_creates = length(local.par_rules) == 0 && alltrue([
    for rule in local.uploading_rules : try(rule.create_only, false) && length(setintersection(rule.operations, local.part_operations)) == 0
  ])

  operations         = distinct(flatten([for rule in local.rules : try(rule.operations, [])]))
  unknown_operations = setsubtract(local.operations, keys(local.permissions))

  # The conditions of IAM statements, for the rules of each kind. Each bucket gives what its own rules need; those that
  # give the same share a statement, since a policy may have 50.
  granted_buckets = {
    for kind, names in local.rule_buckets : kind => distinct(concat(names, kind == "par" ? local.held_par_buckets : []))
  }
  granted_permissions = {
    for kind, rules in { s3 = local.s3_rules, par = local.par_rules } : kind => {
      for bucket in local.granted_buckets[kind] : bucket => join(" ", [
        for name in sort(distinct(flatten([
          kind == "par" && contains(local.held_par_buckets, bucket) ? local.par_permissions : [],
          [
            for rule in rules : [for operation in try(rule.operations, []) : lookup(local.permissions, operation, [])]
            if strcontains(try(rule.bucket, ""), "{") ? contains(local.claim_buckets, bucket) : try(rule.bucket, "") == bucket
          ],
        ]))) : name
        if kind == "s3" ? !(local.only_creates && name == "OBJECT_OVERWRITE") : contains(local.par_permissions, name)
      ])
    }
  }
  object_conditions = {
    for kind, given in local.granted_permissions : kind => [
      for permissions in distinct(values(given)) : [
        [for name in local.granted_buckets[kind] : "target.bucket.name = '${name}'" if given[name] == permissions],
        [for name in split(" ", permissions) : "request.permission = '${name}'"],
      ]
    ]
  }
  where = {
    for kind, names in local.granted_buckets : kind => {
      bucket = length(names) == 1 ? "target.bucket.name = '${names[0]}'" : "any {${join(", ", [for name in names : "target.bucket.name = '${name}'"])}}"
      objects = [
        for both in local.object_conditions[kind] :
        join(", ", [for any in both : length(any) == 1 ? any[0] : "any {${join(", ", any)}}"])
      ]
    }
  }

  archive_file  = "${path.module}/function.zip"
  archive       = var.image == "" && fileexists(local.archive_file) ? filebase64(local.archive_file) : ""
  archive_bytes = length(local.archive) * 3 / 4
}

# Refuses inputs that don't fit together before anything is made.
resource "terraform_data" "inputs" {
  lifecycle {
    precondition {
      condition     = can(jsondecode(local.policy_text).rules[*]) && alltrue([for rule in local.rules : can(rule.operations[0]) && can(rule.bucket) && can(rule.prefix)])
      error_message = "policy: each rule must have operations, bucket, and prefix; `python -m presign check FILE` tells all errors of a policy."
    }
    precondition {
      condition     = length(local.unknown_operations) == 0
      error_message = "policy: there is no operation named ${join(", ", local.unknown_operations)}."
    }
    precondition {
      condition     = length(local.claim_buckets) > 0 || alltrue([for rule in local.rules : !strcontains(try(rule.bucket, ""), "{")])
      error_message = "policy: the stack gives rights on buckets by their names; where bucket holds a claim such as {tenant}, name the buckets in the input buckets."
    }
    precondition {
      condition     = var.deliver_to == "none" || (length(local.event_rules) > 0 && alltrue([for rule in local.event_rules : can(rule.max_expires_in)]))
      error_message = "policy: with deliver_to a rule must give get_object to the caller invoke, and each such rule must have max_expires_in."
    }
    precondition {
      condition     = (var.function_subnet_ocid == "") == (var.gateway_subnet_ocid == "")
      error_message = "function_subnet_ocid and gateway_subnet_ocid must be given together, or neither."
    }
    precondition {
      condition     = !var.gateway_is_private || !local.makes_network
      error_message = "gateway_is_private needs function_subnet_ocid and gateway_subnet_ocid: the network that is made has a public subnet for the gateway."
    }
    precondition {
      condition     = (var.vault_ocid == "") == (var.key_ocid == "")
      error_message = "vault_ocid and key_ocid must be given together, or neither."
    }
    precondition {
      condition     = var.image != "" || var.provisioned_concurrency == 0
      error_message = "provisioned_concurrency needs an image: OCI can't keep containers of an archive ready."
    }
    precondition {
      condition     = var.image != "" || fileexists(local.archive_file)
      error_message = "function.zip is missing beside the stack: `python -m deploy stack` makes both. Or give an image."
    }
    precondition {
      condition     = local.archive_bytes <= 25000000
      error_message = "function.zip has more than 25 MB, the most that OCI Functions takes without a bucket; give an image instead."
    }
    precondition {
      condition     = length(setintersection(keys(var.settings), keys(local.own_settings))) == 0
      error_message = "settings: the stack itself sets ${join(", ", setintersection(keys(var.settings), keys(local.own_settings)))}."
    }
    precondition {
      condition     = sum([for name, value in merge(local.known_settings, var.settings) : length(name) + length(value)]) <= 3800
      error_message = "policy: with the other settings it takes more than the 4 KB that a function's configuration may have; give it as a file: make deploy POLICY=FILE."
    }
  }
}
