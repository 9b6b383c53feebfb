"""From the options of `classify` and `read` to a table that is written."""
