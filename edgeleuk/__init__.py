"""Blood-cell image classifiers from training to a Raspberry Pi. Research software, not a medical device."""

__version__ = "0.2.0"
