"""From files to glyphs: decode files to scans, and normalise scans to glyphs."""
