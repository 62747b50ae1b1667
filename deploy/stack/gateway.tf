# The gateway. Its deployment, oci_apigateway_deployment.presign, is generated from gateway/deployment.json.

resource "oci_apigateway_gateway" "presign" {
  compartment_id = local.compartment_ocid
  freeform_tags  = local.freeform_tags
  defined_tags   = local.defined_tags
  display_name   = var.name
  endpoint_type  = var.gateway_is_private ? "PRIVATE" : "PUBLIC"
  subnet_id      = local.gateway_subnet_id
  certificate_id = var.certificate_ocid == "" ? null : var.certificate_ocid

  depends_on = [terraform_data.inputs]
}
