"""What predictions were worth, in the unit of the business."""
