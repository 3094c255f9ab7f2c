"""How a model served: latency, throughput, confidence, resources; needs no truth."""
