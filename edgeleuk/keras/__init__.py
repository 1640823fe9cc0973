"""The only door to TensorFlow and Keras: framework, network, graph surgery, pools, weights, image stream.

What a training or a quantization decides belongs in their packages; nothing on the device imports this one.
"""
