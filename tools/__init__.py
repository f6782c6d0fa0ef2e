"""What the checkout's own tests, demo and Makefile use to run Dart and Flutter for real."""
