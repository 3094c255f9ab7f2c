"""Files and bodies become numbered rows, whatever notation they are written in."""
