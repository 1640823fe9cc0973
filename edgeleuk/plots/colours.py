"""Colours of all pictures."""

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
