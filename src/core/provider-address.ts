/** Source address of the Terraform provider. */
export const providerAddress = "registry.terraform.io/ebb/ebb";
