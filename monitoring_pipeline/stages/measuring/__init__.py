"""From joined rows to sums, from sums to metrics: hours, days merged from them, and any period."""
