"""Writing predictions down, whole or not at all."""
