"""From glyphs to predictions: the model file and its card, the two runtimes, the decision."""
