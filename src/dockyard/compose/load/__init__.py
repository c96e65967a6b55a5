"""From Compose files to one tree of plain values: read, interpolated, merged, checked, normalised.

A tree has the shape that ``config --format json`` prints, and what begins with ``x-`` beside it.
"""
