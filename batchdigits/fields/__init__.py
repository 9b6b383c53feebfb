"""From the scan of a field to the number written in it."""
