output "owner" {
  value = provider::ebb::mask("ada@example.com", "any salt") # "•••" and four digits
}
