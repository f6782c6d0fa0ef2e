"""The models that are measured, in PyTorch, as every way's converter reads them."""
