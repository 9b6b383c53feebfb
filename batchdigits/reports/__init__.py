"""Reports about a model: its accuracy, confidence, speed and contents, and a preview of its predictions."""
