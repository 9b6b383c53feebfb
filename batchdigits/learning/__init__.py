"""From labelled glyphs to a model file: recipes, augmentation, training, export. Needs TensorFlow."""
