"""The Dockerfile language: text to typed instructions, without any input or output."""
