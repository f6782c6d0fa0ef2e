"""Reading, writing and judging compiled objects and their archives, on any host."""
