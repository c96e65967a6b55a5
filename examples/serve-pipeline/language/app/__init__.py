"""Which language a text is in, over HTTP, with fastText's model of 176 languages."""
