"""The processes that hold a model: decoding, batches and engines; nothing here knows of HTTP."""
