"""The engines behind one protocol: a model in this process, or an endpoint elsewhere."""
