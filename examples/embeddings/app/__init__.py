"""Sentence embeddings and similarities over HTTP, with all-MiniLM-L6-v2 on ONNX Runtime."""
