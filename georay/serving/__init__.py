"""Serving: an autoscaled endpoint and a page, over the one model package.

`app` builds the Ray Serve application of an `ingress` and a model `replica`; everything else here
knows nothing of Ray and runs in a unit test.
"""
