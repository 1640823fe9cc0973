"""Making a network cheaper to run."""
