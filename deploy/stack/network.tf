# A network, unless subnets are given: the gateway's subnet is open to port 443, the function's reaches OCI's services only.

locals {
  makes_network      = var.function_subnet_ocid == "" && var.gateway_subnet_ocid == ""
  function_subnet_id = local.makes_network ? oci_core_subnet.function[0].id : var.function_subnet_ocid
  gateway_subnet_id  = local.makes_network ? oci_core_subnet.gateway[0].id : var.gateway_subnet_ocid

  tcp = "6"
  services = one([
    for service in data.oci_core_services.all.services : service if startswith(service.cidr_block, "all-")
  ])
}

data "oci_core_services" "all" {}

resource "oci_core_vcn" "presign" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = var.name
  cidr_blocks    = ["10.0.0.0/16"]
}

resource "oci_core_internet_gateway" "presign" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = var.name
}

resource "oci_core_service_gateway" "presign" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = var.name

  services {
    service_id = local.services.id
  }
}

resource "oci_core_route_table" "gateway" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = "${var.name}-gateway"

  route_rules {
    destination       = "0.0.0.0/0"
    destination_type  = "CIDR_BLOCK"
    network_entity_id = oci_core_internet_gateway.presign[0].id
  }
  # The store route's requests stay in Oracle's network. All services that way would take the answers to those that call
  # the gateway from Oracle's network, too.
  dynamic "route_rules" {
    for_each = [for service in data.oci_core_services.all.services : service if endswith(service.cidr_block, "-objectstorage")]

    content {
      destination       = route_rules.value.cidr_block
      destination_type  = "SERVICE_CIDR_BLOCK"
      network_entity_id = oci_core_service_gateway.presign[0].id
    }
  }
}

resource "oci_core_route_table" "function" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = "${var.name}-function"

  route_rules {
    destination       = local.services.cidr_block
    destination_type  = "SERVICE_CIDR_BLOCK"
    network_entity_id = oci_core_service_gateway.presign[0].id
  }
}

resource "oci_core_security_list" "gateway" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = "${var.name}-gateway"

  ingress_security_rules {
    protocol = local.tcp
    source   = "0.0.0.0/0"

    tcp_options {
      min = 443
      max = 443
    }
  }

  # The gateway calls the function, and fetches the keys of the identity provider.
  egress_security_rules {
    protocol    = local.tcp
    destination = "0.0.0.0/0"

    tcp_options {
      min = 443
      max = 443
    }
  }
}

resource "oci_core_security_list" "function" {
  count = local.makes_network ? 1 : 0

  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  vcn_id         = oci_core_vcn.presign[0].id
  display_name   = "${var.name}-function"

  egress_security_rules {
    protocol         = local.tcp
    destination      = local.services.cidr_block
    destination_type = "SERVICE_CIDR_BLOCK"

    tcp_options {
      min = 443
      max = 443
    }
  }
}

resource "oci_core_subnet" "gateway" {
  count = local.makes_network ? 1 : 0

  compartment_id    = local.compartment_ocid
  freeform_tags     = local.freeform_tags
  defined_tags      = local.defined_tags
  vcn_id            = oci_core_vcn.presign[0].id
  display_name      = "${var.name}-gateway"
  cidr_block        = "10.0.0.0/24"
  route_table_id    = oci_core_route_table.gateway[0].id
  security_list_ids = [oci_core_security_list.gateway[0].id]
}

resource "oci_core_subnet" "function" {
  count = local.makes_network ? 1 : 0

  compartment_id             = local.compartment_ocid
  freeform_tags              = local.freeform_tags
  defined_tags               = local.defined_tags
  vcn_id                     = oci_core_vcn.presign[0].id
  display_name               = "${var.name}-function"
  cidr_block                 = "10.0.1.0/24"
  route_table_id             = oci_core_route_table.function[0].id
  security_list_ids          = [oci_core_security_list.function[0].id]
  prohibit_public_ip_on_vnic = true
  prohibit_internet_ingress  = true
}
