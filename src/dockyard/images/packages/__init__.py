"""Package-aware layers: what a step installed, laid out so that one change moves one package."""
