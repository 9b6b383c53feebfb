"""From paths to glyphs: find sources, decode them to scans, normalise scans to glyphs."""
