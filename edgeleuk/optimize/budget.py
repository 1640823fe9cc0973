"""What a budget of milliseconds may be of; told apart from the search so that `--help` loads nothing of it."""

DECISION, INVOKE = "decision", "invoke"  # one image from its file to its label; one bare inference
BUDGETS = (DECISION, INVOKE)
