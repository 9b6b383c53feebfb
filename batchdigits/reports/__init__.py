"""What people look at to decide whether to trust a model."""
