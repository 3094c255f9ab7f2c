"""Why a metric changed between two windows: which segments brought the change, by mix and within."""
