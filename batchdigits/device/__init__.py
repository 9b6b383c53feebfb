"""From an int8 model to C99 sources for a device without an operating system. Needs no TensorFlow."""
