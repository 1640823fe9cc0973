"""Networks that others made: read without running what they hold, and brought into the one form that the rest takes."""
