# The gateway. Its deployment, oci_apigateway_deployment.presign, is generated from gateway/deployment.json.

resource "oci_apigateway_gateway" "presign" {
  compartment_id = local.compartment_ocid
  display_name   = var.name
  endpoint_type  = "PUBLIC"
  subnet_id      = local.gateway_subnet_id

  depends_on = [terraform_data.inputs]
}
