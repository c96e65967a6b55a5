"""One model over HTTP: the Open Inference Protocol, and OpenAI's embeddings where it has any."""
