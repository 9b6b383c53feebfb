"""What is known of a value, and the likeliest value that fits it."""
