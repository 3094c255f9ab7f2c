"""The landing: events as they arrived, validated, idempotent, every row accounted for."""
