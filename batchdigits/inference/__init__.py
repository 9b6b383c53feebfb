"""From glyphs to predictions: the model file with its card, the runtimes, and the decision."""
