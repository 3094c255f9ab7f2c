"""What Prometheus is shown: the state of the models as families of series, told from SQL, and bounded in number."""
