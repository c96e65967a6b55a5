"""Text in pictures over HTTP, with RapidOCR on ONNX Runtime."""
