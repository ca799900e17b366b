"""What tests of the whole product share. Nothing here is imported by the running service."""
