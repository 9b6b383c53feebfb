"""Who does which sources, in what order, and what survives."""
