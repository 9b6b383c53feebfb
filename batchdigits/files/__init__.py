"""Find and read the files to classify, on this machine and at URLs."""
