"""Write an int8 model as C99 sources for a device without an operating system. Needs no TensorFlow."""
