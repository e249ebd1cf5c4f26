// Searches over score matrices and step functions.
