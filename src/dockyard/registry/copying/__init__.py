"""``copy``: images from one place to another, byte for byte, past this root's own images."""
