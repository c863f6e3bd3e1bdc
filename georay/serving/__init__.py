"""Serving: an autoscaled endpoint and a page, over the one model package.

The rooms follow the processes. `app` builds the Ray Serve application: an `ingress` that speaks
HTTP and shows the `page`, and the `replica` that holds a model; between them go `messages`. Ray is
touched in `app` and `ingress.deployment` alone; everything else runs in a unit test.
"""
