"""Tracking: results shown in MLflow. SQL is the truth; MLflow may be down, slow or wiped at any time."""
