"""What may be chosen of a network's shape; told apart from its code so that `--help` needs no TensorFlow."""

AVERAGE, DEPTHWISE = "average", "depthwise"
POOLS = (AVERAGE, DEPTHWISE)
EXITS = tuple(f"mixed{block}" for block in range(3, 10))
OFF, CAMERA, STRONG = "off", "camera", "strong"
ROBUST = (OFF, CAMERA, STRONG)  # how strongly training images are changed
AUTO, ON = "auto", "on"
MIXED_PRECISION = (AUTO, ON, OFF)  # whether a network is trained in float16 with float32 weights
WIDEST = 4  # times the filters of InceptionV3
