"""Events over HTTP: reading bodies within limits, refusing what is too much, acknowledging what is stored."""
