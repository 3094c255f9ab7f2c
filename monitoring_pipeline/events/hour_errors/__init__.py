"""The errors of each hour, kept up to date in the transactions that change them."""
