"""One container: what it is (model, spec, lifecycle: pure) and what makes it so (the rest)."""
