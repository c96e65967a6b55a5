"""Fuzzing: what reads input of others must answer with one of our errors, or not at all.

``make fuzz`` runs each target under Atheris for a while; ``make test`` runs the seeds and every
input that once broke something (``tests/data/fuzz``).
"""
