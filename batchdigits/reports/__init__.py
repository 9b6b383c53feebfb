"""Reports about a model: its accuracy, confidence, speed and contents, and what it makes of an image."""
