"""Write an int8 model as one HTML file that classifies in a browser. Needs no TensorFlow and no compiler."""
