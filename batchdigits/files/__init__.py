"""Finding and reading files: which ones to classify, in what order, here and behind URLs."""
