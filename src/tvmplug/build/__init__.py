"""Building a plugin: compile the model, build the crate, stage the libraries, test."""
