"""The networks of the origin in Keras, asked by `training.py`: ``python side_keras.py cnn2d``."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
from keras import layers

from turns import Turns


def dense_end(units: tuple[int, ...], classes: int) -> list[Any]:
    """Flatten, hidden layers each with batch normalisation and dropout, classes."""
    parts: list[Any] = [layers.Flatten(), layers.Dropout(0.5)]
    for n in units:
        parts += [layers.Dense(n, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.5)]
    return [*parts, layers.Dense(classes, activation="softmax")]


def cnn2d() -> list[Any]:
    """Of the slab notebook."""
    parts: list[Any] = []
    for n in (32, 64, 128):
        parts += [layers.Conv2D(n, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(2)]
    return parts + dense_end((1024, 256, 64), 2)


def cnn3d() -> list[Any]:
    """The same idea in three dimensions."""
    parts: list[Any] = []
    for n in (16, 32, 64):
        parts += [
            layers.Conv3D(n, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling3D(2),
        ]
    return parts + dense_end((128,), 2)


def mlp() -> list[Any]:
    """Of the z-map notebook."""
    return [
        layers.Dense(509, activation="relu", kernel_regularizer=keras.regularizers.L2(5e-5)),
        layers.Dropout(0.25),
        layers.Dense(26, activation="softmax", kernel_regularizer=keras.regularizers.L2(5e-5)),
    ]


SHAPES = {"cnn2d": (307, 40, 56, 3), "cnn3d": (64, 40, 56, 40, 1), "mlp": (416, 992)}


def main() -> None:
    """Build, and train until nothing more is asked."""
    name = sys.argv[1]
    keras.utils.set_random_seed(0)
    n, *shape = SHAPES[name]
    classes = 26 if name == "mlp" else 2
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, *shape)).astype(np.float32)
    y = rng.integers(0, classes, n)
    model = keras.Sequential([keras.Input(shape), *{"cnn2d": cnn2d, "cnn3d": cnn3d, "mlp": mlp}[name]()])
    optimizer = keras.optimizers.SGD(0.1) if name == "mlp" else keras.optimizers.Adam(1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    turns = Turns()
    model.fit(
        X,
        y,
        batch_size={"cnn2d": 32, "cnn3d": 16, "mlp": n}[name],
        validation_split=0.2 if name == "cnn2d" else 0.0,
        epochs=100_000,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: turns.epoch_done())],
    )


if __name__ == "__main__":
    main()
