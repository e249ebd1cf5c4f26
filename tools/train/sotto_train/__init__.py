"""Parts that the steps of the training share."""
