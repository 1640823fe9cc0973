"""Float .tflite files of others: what is taken, how they are brought into one form, and rewritten for the delegate."""
