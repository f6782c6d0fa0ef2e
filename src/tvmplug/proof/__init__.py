"""Proof that the plugins of an app fit together: link maps, a real link, artifacts, whole apps."""
