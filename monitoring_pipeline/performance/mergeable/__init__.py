"""Quantities that merge: hours into days, days into any window, the same bits for every order of the parts."""
