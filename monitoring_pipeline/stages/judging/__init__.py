"""Each rule's verdict on each window, the alerts that follow, and what caused them."""
