"""Printed lines and combs: found, and taken out of the ink of a field."""
