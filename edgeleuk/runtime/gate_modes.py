"""What becomes of a picture beyond the bounds of an input gate, without what such a gate is: commands name it, too."""

OFF, WARN, REFUSE = GATES = ("off", "warn", "refuse")
