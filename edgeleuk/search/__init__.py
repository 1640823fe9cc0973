"""Looking for the best model within a budget of milliseconds."""
