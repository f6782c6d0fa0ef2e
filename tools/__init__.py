"""What the checkout's own tests, demo and Makefile use: other languages' tools, run for real."""
