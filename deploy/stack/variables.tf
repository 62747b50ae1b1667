# The identity provider, whose tokens the gateway takes.

variable "issuer" {
  description = "The issuer of the tokens: the claim iss, to the letter. Several have commas between them."
  type        = string

  validation {
    condition     = can(regex("^[^\\s,<>]+(,[^\\s,<>]+)*$", var.issuer))
    error_message = "issuer must be the claim iss of your tokens, such as https://identity.oraclecloud.com/, without spaces."
  }
  validation {
    condition     = alltrue([for one in split(",", var.issuer) : !can(regex("^[A-Za-z]+:/", one)) || can(regex("^https?://[^/]", one))])
    error_message = "issuer: an address must begin with https:// and a host, such as https://identity.oraclecloud.com/."
  }
}

variable "audience" {
  description = "The audience of the tokens: the claim aud. Several have commas between them."
  type        = string

  validation {
    condition     = can(regex("^[^\\s,<>]+(,[^\\s,<>]+)*$", var.audience))
    error_message = "audience must be the claim aud of your tokens, without spaces."
  }
}

variable "jwks_uri" {
  description = "Where the identity provider publishes its keys, such as https://<identity domain>/admin/v1/SigningCert/jwk."
  type        = string

  validation {
    condition     = can(regex("^https://[^\\s,<>]+$", var.jwks_uri))
    error_message = "jwks_uri must be an https URL."
  }
}

# The place of the stack. Resource Manager fills these in, and so does make deploy.

variable "tenancy_ocid" {
  description = "The tenancy."
  type        = string

  validation {
    condition     = startswith(var.tenancy_ocid, "ocid1.tenancy.")
    error_message = "tenancy_ocid must be the OCID of a tenancy: ocid1.tenancy.…"
  }
}

variable "compartment_ocid" {
  description = "The compartment that gets everything but users, groups, and policies. The OCID of the tenancy names the root compartment."
  type        = string

  validation {
    condition     = can(regex("^ocid1\\.(compartment|tenancy)\\.", var.compartment_ocid))
    error_message = "compartment_ocid must be the OCID of a compartment: ocid1.compartment.…; the tenancy's names the root compartment."
  }
}

variable "region" {
  description = "The region identifier, such as eu-frankfurt-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region must be a region identifier, such as eu-frankfurt-1."
  }
}

variable "config_file_profile" {
  description = "The profile of ~/.oci/config; by default DEFAULT."
  type        = string
  default     = null
}

variable "auth" {
  description = "How Terraform proves who it is: ApiKey (the default), SecurityToken, InstancePrincipal, or ResourcePrincipal."
  type        = string
  default     = null
}

# The rights of callers.

variable "name" {
  description = "Everything that is made has this name, or a name that begins with it."
  type        = string
  default     = "presign"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "name must be up to 40 lower-case letters, digits, and hyphens, and begin with a letter."
  }
}

variable "bucket" {
  description = "The bucket of requests that name none; by default it has the stack's name."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]*$", var.bucket)) && !can(regex("^\\.+$", var.bucket))
    error_message = "bucket must have letters, digits, hyphens, underscores, and periods only, and not periods alone."
  }
}

variable "create_bucket" {
  description = "Whether to make the bucket; false if it exists already."
  type        = bool
  default     = true
  nullable    = false
}

variable "policy" {
  description = "The policy as JSON; by default each user has a folder, users/{sub}/. A long one is a file: make deploy POLICY=FILE."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.policy == "" || can(jsondecode(var.policy).rules[*])
    error_message = "policy must be a JSON object with a list named rules; `python -m presign check FILE` tells all errors of a policy."
  }
}

variable "allowed_origins" {
  description = "The origins of web pages that may call the gateway, with commas between them; * for any."
  type        = string
  default     = "*"
  nullable    = false

  validation {
    condition     = can(regex("^(\\*|null|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(,https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)*)$", var.allowed_origins))
    error_message = "allowed_origins must be *, or origins such as https://app.example.com, without a path, with commas between them."
  }
}

variable "allowed_headers" {
  description = "Headers that the tools of your pages add to requests, such as traceparent,baggage, with commas between them."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[!#$%&'*+.^_`|~0-9A-Za-z-]+(,[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$", var.allowed_headers))
    error_message = "allowed_headers must be names of headers, with commas between them and no spaces."
  }
}

variable "store_route" {
  description = "Whether the gateway leads to Object Storage, so that web pages can use presigned URLs; by default it does, unless subnets are given."
  type        = bool
  default     = null
}

variable "buckets" {
  description = "The buckets of those rules of the policy that have a claim in place of a bucket's name, with commas between them."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[A-Za-z0-9._-]+(,[A-Za-z0-9._-]+)*$", var.buckets)) && !can(regex("(^|,)\\.+(,|$)", var.buckets))
    error_message = "buckets must be names of buckets, with commas between them and no spaces, and none of periods alone."
  }
}

variable "requests_per_second" {
  description = "How many requests a second the gateway takes from one address."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.requests_per_second >= 1 && floor(var.requests_per_second) == var.requests_per_second
    error_message = "requests_per_second must be a whole number, 1 or more."
  }
}

variable "certificate_ocid" {
  description = "A certificate of API Gateway for a domain of your own, which must share no cookies with your application; by default the gateway has Oracle's."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.(apigatewaycertificate|certificate)\\.", var.certificate_ocid))
    error_message = "certificate_ocid must be the OCID of a certificate: ocid1.apigatewaycertificate.… or ocid1.certificate.…"
  }
}

variable "gateway_is_private" {
  description = "Whether the gateway has a private address alone; it needs subnets of yours, function_subnet_ocid and gateway_subnet_ocid."
  type        = bool
  default     = false
  nullable    = false
}

variable "deliver_to" {
  description = "Who gets a URL for each new object: queue, notifications, or none. Everybody who reads there can use the URLs."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "queue", "notifications"], var.deliver_to)
    error_message = "deliver_to must be none, queue, or notifications."
  }
}

variable "events" {
  description = "Whether new objects call the function; always so if deliver_to or a rule with single_use needs it."
  type        = bool
  default     = false
  nullable    = false
}

variable "sweep" {
  description = "Whether a schedule deletes expired pre-authenticated requests once a day, where the policy gives any."
  type        = bool
  default     = true
  nullable    = false
}

variable "keep_versions_days" {
  description = "Days that replaced and deleted objects are kept as older versions of the made bucket; 0 for ever."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.keep_versions_days >= 0 && floor(var.keep_versions_days) == var.keep_versions_days
    error_message = "keep_versions_days must be a whole number, 0 or more."
  }
}

variable "bucket_key_ocid" {
  description = "A key of Vault that encrypts the made bucket; by default Oracle's own key does. Object Storage must be allowed to use it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.key\\.", var.bucket_key_ocid))
    error_message = "bucket_key_ocid must be the OCID of a key: ocid1.key.…"
  }
}

variable "bucket_logs" {
  description = "Whether reads and writes of the bucket are logged, with the addresses of the callers."
  type        = bool
  default     = false
  nullable    = false
}

# Those who watch over it.

variable "alarm_email" {
  description = "The address that gets alarms, once it has confirmed that it wants them; by default nobody does."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "alarm_topic_ocid" {
  description = "A topic of Notifications that gets alarms, in place of an address."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.onstopic\\.", var.alarm_topic_ocid))
    error_message = "alarm_topic_ocid must be the OCID of a topic: ocid1.onstopic.…"
  }
}

variable "alarm_unauthorized" {
  description = "How many answers with status 401 in five minutes are too many."
  type        = number
  default     = 100
  nullable    = false
}

variable "freeform_tags" {
  description = "Free-form tags of all that can have tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "defined_tags" {
  description = "Defined tags of all that can have tags, such as { \"Operations.CostCenter\" = \"42\" }."
  type        = map(string)
  default     = {}
  nullable    = false
}

# Resources that exist already. Three inputs only filter the lists of the form in Resource Manager; nothing else reads them.

variable "network_compartment_ocid" {
  description = "The compartment of your network, in the form of Resource Manager."
  type        = string
  default     = ""
  nullable    = false
}

variable "vcn_ocid" {
  description = "The network of your subnets, in the form of Resource Manager."
  type        = string
  default     = ""
  nullable    = false
}

variable "vault_compartment_ocid" {
  description = "The compartment of your vault, in the form of Resource Manager."
  type        = string
  default     = ""
  nullable    = false
}

variable "function_subnet_ocid" {
  description = "A subnet for the function, with a service gateway and egress to port 443; by default a network is made."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.subnet\\.", var.function_subnet_ocid))
    error_message = "function_subnet_ocid must be the OCID of a subnet: ocid1.subnet.…"
  }
}

variable "gateway_subnet_ocid" {
  description = "A public subnet for the gateway, with ingress to port 443; given together with function_subnet_ocid."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.subnet\\.", var.gateway_subnet_ocid))
    error_message = "gateway_subnet_ocid must be the OCID of a subnet: ocid1.subnet.…"
  }
}

variable "secret_ocid" {
  description = "A secret that holds a customer secret key as JSON. Then no user, key, or vault is made, and the Terraform state holds no key."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.vaultsecret\\.", var.secret_ocid))
    error_message = "secret_ocid must be the OCID of a secret: ocid1.vaultsecret.…"
  }
}

variable "vault_ocid" {
  description = "A vault for the secret; by default one is made."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.vault\\.", var.vault_ocid))
    error_message = "vault_ocid must be the OCID of a vault: ocid1.vault.…"
  }
}

variable "key_ocid" {
  description = "A key of that vault, to encrypt the secret with; given together with vault_ocid."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^ocid1\\.key\\.", var.key_ocid))
    error_message = "key_ocid must be the OCID of a key: ocid1.key.…"
  }
}

variable "signing_user_email" {
  description = "The e-mail address of the signing user, as identity domains demand one; by default <name>-signer@example.com, which nobody reads."
  type        = string
  default     = null
}

variable "signing_keys" {
  description = "The names of one or two customer secret keys of the signing user; the last one signs. `make rotate` changes it."
  type        = list(string)
  default     = ["a"]
  nullable    = false

  validation {
    condition     = contains([1, 2], length(var.signing_keys)) && length(distinct(var.signing_keys)) == length(var.signing_keys) && alltrue([for name in var.signing_keys : can(regex("^[a-z0-9]{1,16}$", name))])
    error_message = "signing_keys must be one or two different names of lower-case letters and digits."
  }
}

variable "gateway_secrets" {
  description = "The names of one or two gateway secrets; the function takes each, and the gateway sends the last one. `make rotate SECRET=gateway` changes it."
  type        = list(string)
  default     = ["a"]
  nullable    = false

  validation {
    condition     = contains([1, 2], length(var.gateway_secrets)) && length(distinct(var.gateway_secrets)) == length(var.gateway_secrets) && alltrue([for name in var.gateway_secrets : can(regex("^[a-z0-9]{1,16}$", name))])
    error_message = "gateway_secrets must be one or two different names of lower-case letters and digits."
  }
}

variable "protect" {
  description = "Whether make deploy refuses to delete the bucket, the vault, its key, and the signing user. Terraform alone, and Resource Manager, do not look at it."
  type        = bool
  default     = false
  nullable    = false
}

# The function.

variable "image" {
  description = "An image in OCI Registry, such as fra.ocir.io/<namespace>/presign:0.3.0; by default the function is an archive."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9.-]+/[^\\s:]+[:@][^\\s]+$", var.image))
    error_message = "image must name a registry, a repository, and a tag: fra.ocir.io/<namespace>/presign:0.3.0."
  }
}

variable "runtime_name" {
  description = "The runtime of the archive; by default the one that it was made for. `fn list runtimes` tells which there are."
  type        = string
  default     = ""
  nullable    = false
}

variable "memory_in_mbs" {
  description = "Memory of a container, which also decides its share of a CPU: 128, 256, 512, 1024, 2048, or 3072."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = contains([128, 256, 512, 1024, 2048, 3072], var.memory_in_mbs)
    error_message = "memory_in_mbs must be 128, 256, 512, 1024, 2048, or 3072."
  }
}

variable "provisioned_concurrency" {
  description = "How many containers wait for callers, which costs while they wait; 0 for none."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.provisioned_concurrency >= 0 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "provisioned_concurrency must be a whole number, 0 or more."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept: 30, 60, 90, 120, 150, or 180 days. The function's log names callers and keys."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180], var.log_retention_days)
    error_message = "log_retention_days must be 30, 60, 90, 120, 150, or 180."
  }
}

variable "settings" {
  description = "More settings of the function, such as MAX_EXPIRES_IN or LOG_LEVEL."
  type        = map(string)
  default     = {}
  nullable    = false
}
