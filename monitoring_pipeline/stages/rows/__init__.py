"""The hour files: predictions as they were logged, beside the truth that is known of them."""
