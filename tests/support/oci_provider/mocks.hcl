# OCI's answers, as far as they matter to the stack. The home region is another one than the stack's.
mock_provider "oci" {
  mock_data "oci_identity_region_subscriptions" {
    defaults = {
      region_subscriptions = [
        { is_home_region = false, region_key = "FRA", region_name = "eu-frankfurt-1", state = "READY", tenancy_id = "" },
        { is_home_region = true, region_key = "IAD", region_name = "us-ashburn-1", state = "READY", tenancy_id = "" },
      ]
    }
  }
  mock_data "oci_objectstorage_namespace" {
    defaults = { namespace = "axexample" }
  }
  mock_data "oci_objectstorage_bucket" {
    defaults = { compartment_id = "ocid1.compartment.oc1..c", object_events_enabled = true }
  }
  mock_data "oci_core_services" {
    defaults = {
      services = [
        { cidr_block = "oci-fra-objectstorage", description = "", id = "ocid1.service.oc1.fra.storage", name = "" },
        { cidr_block = "all-fra-services-in-oracle-services-network", description = "", id = "ocid1.service.oc1.fra.all", name = "" },
      ]
    }
  }
  mock_resource "oci_functions_function" {
    defaults = { id = "ocid1.fnfunc.oc1.eu-frankfurt-1.presign" }
  }
  mock_resource "oci_apigateway_deployment" {
    defaults = {
      id       = "ocid1.apideployment.oc1.eu-frankfurt-1.presign"
      endpoint = "https://gateway.example.com/presigner"
    }
  }
  # Nothing was deployed before.
  mock_data "oci_functions_applications" {
    defaults = { applications = [] }
  }
  mock_data "oci_objectstorage_bucket_summaries" {
    defaults = { bucket_summaries = [] }
  }
  mock_resource "oci_kms_vault" {
    defaults = { id = "ocid1.vault.oc1.eu-frankfurt-1.made", management_endpoint = "https://vault.example.com" }
  }
  mock_resource "oci_kms_key" {
    defaults = { id = "ocid1.key.oc1.eu-frankfurt-1.made" }
  }
  mock_resource "oci_vault_secret" {
    defaults = { id = "ocid1.vaultsecret.oc1.eu-frankfurt-1.made" }
  }
  mock_resource "oci_core_subnet" {
    defaults = { id = "ocid1.subnet.oc1.eu-frankfurt-1.made" }
  }
  mock_resource "oci_queue_queue" {
    defaults = { id = "ocid1.queue.oc1.eu-frankfurt-1.made" }
  }
  mock_resource "oci_ons_notification_topic" {
    defaults = { topic_id = "ocid1.onstopic.oc1.eu-frankfurt-1.made" }
  }
}

# Only what is made in the home region gets these identifiers.
mock_provider "oci" {
  alias = "home"

  mock_resource "oci_identity_user" {
    defaults = { id = "ocid1.user.oc1..home" }
  }
  mock_resource "oci_identity_group" {
    defaults = { id = "ocid1.group.oc1..home" }
  }
  mock_resource "oci_identity_dynamic_group" {
    defaults = { id = "ocid1.dynamicgroup.oc1..home" }
  }
  mock_resource "oci_identity_policy" {
    defaults = { id = "ocid1.policy.oc1..home" }
  }
  mock_resource "oci_identity_user_group_membership" {
    defaults = { id = "ocid1.groupmembership.oc1..home" }
  }
  mock_resource "oci_identity_user_capabilities_management" {
    defaults = { id = "ocid1.user.oc1..home" }
  }
  mock_resource "oci_identity_customer_secret_key" {
    defaults = { id = "access-key-of-the-signer", key = "secret-key-of-the-signer" }
  }
}
