"""From the scan of a form to its fields: the template, how a scan lies on it, and a row for each page."""
