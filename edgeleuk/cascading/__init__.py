"""Making a cascade of two models: how sure the first has to be, what that loses and what it gains."""
