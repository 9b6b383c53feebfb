"""What `read` has besides `classify`."""
