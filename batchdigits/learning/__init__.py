"""From glyphs to a model file: recipes, the network, training, export. The rooms that need TensorFlow."""
