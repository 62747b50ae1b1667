output "endpoint" {
  description = "Where callers ask for URLs."
  value       = "${oci_apigateway_deployment.presign.endpoint}/v1/presign"
}

output "function_ocid" {
  description = "The function, for direct invocations and for doctor."
  value       = oci_functions_function.presign.id
}

output "deployment_ocid" {
  description = "The API deployment, for doctor."
  value       = oci_apigateway_deployment.presign.id
}

output "bucket" {
  description = "The bucket of requests that name none."
  value       = local.bucket
}

output "try_it" {
  description = "A first call, with a token in TOKEN and its claim sub in SUB."
  value       = "curl -s ${oci_apigateway_deployment.presign.endpoint}/v1/presign -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{\"operation\": \"put_object\", \"key\": \"users/'\"$SUB\"'/hello.txt\"${local.has_web_default ? ", \"content_type\": \"text/plain\", \"content_length\": 6" : ""}}'"
}

output "store_route" {
  description = "Where web pages use presigned URLs; empty if there is no store route."
  value       = local.has_store_route ? one(oci_apigateway_deployment.store[*].endpoint) : ""
}
