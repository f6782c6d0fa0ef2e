"""Programs that load one model in one way, call it, and print what that took as JSON."""
