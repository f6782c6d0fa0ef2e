"""The compilers and linkers of a target's platform: where they are, or what installs them."""
