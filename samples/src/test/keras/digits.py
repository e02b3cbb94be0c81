"""Writes digits.h5 as Keras 2 does for a Sequential model: a small convolutional network, untrained but compiled.

It needs h5py and numpy, and not Keras: the layout is that of keras/saving/hdf5_format.py. It prints what the network
says about an image whose pixel (row, column) is ((row + 2 column) mod 7) / 7, which KerasProgramTest compares.

    python3 digits.py ../resources/io/gyre/samples/digits.h5
"""

import json
import sys

import h5py
import numpy as np


def layer(class_name, name, **config):
    return {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}


def convolution(name, filters, **more):
    return layer(
        "Conv2D", name, filters=filters, kernel_size=[3, 3], strides=[1, 1], padding="valid",
        data_format="channels_last", dilation_rate=[1, 1], groups=1, activation="relu", use_bias=True,
        kernel_initializer=glorot(), bias_initializer=zeros(), kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **more)


def pooling(name):
    return layer("MaxPooling2D", name, pool_size=[2, 2], padding="valid", strides=[2, 2], data_format="channels_last")


def glorot():
    return {"class_name": "GlorotUniform", "config": {"seed": None}}


def zeros():
    return {"class_name": "Zeros", "config": {}}


LAYERS = [
    convolution("edges", 8, batch_input_shape=[None, 28, 28, 1]),
    pooling("pooled edges"),
    convolution("strokes", 16),
    pooling("pooled strokes"),
    layer("Flatten", "flat", data_format="channels_last"),
    layer(
        "Dense", "digits", units=10, activation="softmax", use_bias=True, kernel_initializer=glorot(),
        bias_initializer=zeros(), kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None),
]
TRAINING = {
    "loss": "categorical_crossentropy", "metrics": ["accuracy"], "weighted_metrics": None, "loss_weights": None,
    "optimizer_config": {"class_name": "Adam", "config": {
        "name": "Adam", "learning_rate": 0.001, "decay": 0.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07,
        "amsgrad": False}},
}


def weights():
    random = np.random.default_rng(1)
    shapes = {"edges": (3, 3, 1, 8), "strokes": (3, 3, 8, 16), "digits": (5 * 5 * 16, 10)}
    made = {}
    for name, shape in shapes.items():
        limit = np.sqrt(6 / (np.prod(shape[:-1]) + np.prod(shape) / shape[-2]))
        made[name] = (
            random.uniform(-limit, limit, shape).astype(np.float32),
            random.uniform(-0.1, 0.1, shape[-1:]).astype(np.float32))
    return made


def write(path, made):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.11.0"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"name": "digits", "layers": LAYERS}}).encode()
        file.attrs["training_config"] = json.dumps(TRAINING).encode()
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [each["config"]["name"].encode() for each in LAYERS]
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = b"2.11.0"
        for each in LAYERS:
            name = each["config"]["name"]
            group = root.create_group(name)
            arrays = made.get(name, ())
            names = [f"{name}/{part}:0" for part, _ in zip(("kernel", "bias"), arrays)]
            group.attrs["weight_names"] = [word.encode() for word in names]
            for word, array in zip(names, arrays):
                group.create_dataset(word, data=array)


def convolve(image, kernel, bias):
    rows, columns = image.shape[0] - 2, image.shape[1] - 2
    out = np.zeros((rows, columns, kernel.shape[3]))
    for row in range(rows):
        for column in range(columns):
            out[row, column] = np.tensordot(image[row:row + 3, column:column + 3], kernel, 3) + bias
    return np.maximum(out, 0)


def pool(image):
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    return image[:2 * rows, :2 * columns].reshape(rows, 2, columns, 2, -1).max(axis=(1, 3))


def answer(made):
    row, column = np.indices((28, 28))
    image = (((row + 2 * column) % 7) / 7)[..., None]
    image = pool(convolve(image, *made["edges"]))
    image = pool(convolve(image, *made["strokes"]))
    kernel, bias = made["digits"]
    exponent = np.exp(image.reshape(-1) @ kernel + bias)
    return exponent / exponent.sum()


if __name__ == "__main__":
    values = weights()
    write(sys.argv[1], values)
    print(", ".join(f"{value:.6f}" for value in answer(values)))
