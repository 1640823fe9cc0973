"""Fitting a network to an objective epoch by epoch, in phases, with resume from the checkpoint of each epoch."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgeleuk.codec import decode, parse_json
from edgeleuk.errors import DataError, EdgeleukError, ModelError
from edgeleuk.keras.crew import Alone, Crew
from edgeleuk.keras.framework import tf, tf_keras, tqdm
from edgeleuk.keras.masks import restarted_masks
from edgeleuk.keras.stream import ImageStream
from edgeleuk.keras.weights import DAMAGED, read_series, save_arrays
from edgeleuk.statistics.metrics import weighted_f1
from edgeleuk.training.compiling import build_metrics, dataset_of, optimizer_state, restore_optimizer, schedule_of
from edgeleuk.training.joined_adam import JoinedAdam
from edgeleuk.training.unfinished import CHECKPOINT

TargetBatch = tuple[NDArray[np.float32], NDArray[np.int64], Any]  # images, labels, targets
Answers = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # images to probabilities
_Batch = TypeVar("_Batch")


class Objective(Protocol):
    """The targets of a training and their loss."""

    @property
    def target_spec(self) -> Any:
        """The TensorSpec of a batch of targets."""

    @property
    def loss(self) -> Any:
        """Loss [batch] of targets and predicted probabilities, as Keras takes it."""

    @property
    def accuracy(self) -> str | Callable[..., Any]:
        """A Keras metric of that name."""

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """One augmented pass of the training images."""


class Labels:
    """The labels alone: cross-entropy."""

    target_spec = tf.TensorSpec((None,), tf.int64)
    accuracy = "accuracy"

    @property
    def loss(self) -> Any:
        """Cross-entropy of int64 [batch] and float32 [batch, classes]."""
        return tf_keras.losses.SparseCategoricalCrossentropy()

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """Images, labels, and the labels as targets."""
        for images, labels in training.shuffled(epoch):
            yield images, labels, labels


@dataclass
class Progress:
    """How far a training has come. `rows` is the history, one row an epoch; `best` the row whose weights are kept,
    `start` that of the network before its first step, if that counts.
    """

    epochs_done: int = 0
    stopped: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    start: dict[str, Any] | None = None


def save_checkpoint(path: Path, progress: Progress, weights: list[Any], optimizer: list[Any], best: list[Any]) -> None:
    """Write progress, weights, the optimizer's state and the best weights to one .npz. Raises OutputError."""
    series: dict[str, Sequence[Any]] = {"weight": weights, "best": best, "optimizer": optimizer}
    save_arrays(path, series, progress=np.array(json.dumps(asdict(progress))))


@dataclass(frozen=True)
class Checkpoint:
    """What `save_checkpoint` wrote."""

    progress: Progress
    weights: list[Any]
    best_weights: list[Any]
    optimizer: list[Any]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises ModelError if it is damaged."""
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            progress = decode(Progress, parse_json(str(archive["progress"]), str(path)), str(path))
            return Checkpoint(progress, *(read_series(archive, name) for name in ("weight", "best", "optimizer")))
    except (*DAMAGED, TypeError, DataError) as error:
        raise ModelError(f"{path} is not a checkpoint ({error}); remove its folder and train again") from error


@dataclass(frozen=True)
class Phase:
    """Some epochs with the same trainable layers. `prepare` sets which layers train, before compilation."""

    name: str
    epochs: int
    learning_rate: float
    prepare: Callable[[Any], None]


@dataclass(frozen=True)
class FitData:
    """Images to fit and to validate on; `class_weights` float [classes] weigh the whole loss of an image."""

    training: ImageStream
    validation: ImageStream
    class_weights: "np.ndarray[Any, np.dtype[np.float64]]"
    objective: Objective = field(default_factory=Labels)


@dataclass
class Fitter:
    """Runs phases over a network and keeps the weights of the best epoch.

    `folder` holds the checkpoint; `patience` epochs without a better validation weighted F1 end the last phase;
    `on_epoch` is told each history row. With `start_counts` the network as it comes is a candidate, too, as epoch 0.
    Of a `crew` each worker runs the same; its chief alone writes, all read the checkpoint, and all end alike.
    """

    model: Any
    data: FitData
    folder: Path
    patience: int
    seed: int
    on_epoch: Callable[[dict[str, Any]], None] = lambda row: None
    start_counts: bool = False
    crew: Crew = field(default_factory=Alone)
    progress: Progress = field(default_factory=Progress)
    best_weights: list[Any] = field(default_factory=list)
    _patience_from: int | None = None

    @cached_property
    def answers(self) -> Answers:
        """`answers_of` the model, traced once for all epochs and phases: compiling a model anew does not touch it."""
        return answers_of(self.model)

    @cached_property
    def _fitted(self) -> Any:
        """What is compiled and fitted: the model, or a crew's copy of it."""
        return self.crew.fitted(self.model)

    def run(self, phases: list[Phase]) -> Progress:
        """Fit, resuming from the folder's checkpoint if there is one; the model ends with the best weights."""
        resumed = self._checkpoint()
        if resumed:
            self.progress, self.best_weights = resumed.progress, resumed.best_weights
            self.model.set_weights(resumed.weights)
        elif self.start_counts:
            self.progress.start = {"epoch": 0, "phase": "start", **self._validated()}
            self.progress.best = self.progress.start
            self.best_weights = self.model.get_weights()
        first = 0
        for phase in phases:
            done = self.progress.epochs_done - first
            if 0 <= done < phase.epochs and not self.progress.stopped:
                # An optimizer's state belongs to its phase: a new phase starts a new one.
                self._patience_from = first if phase is phases[-1] else None
                self._run_phase(phase, first, resumed.optimizer if resumed and done else [])
                resumed = None
            first += phase.epochs
        if self.best_weights:
            self.model.set_weights(self.best_weights)
        return self.progress

    def _checkpoint(self) -> Checkpoint | None:
        """That of the folder. Raises ModelError if it is damaged, or not all of a crew see the same."""
        path = self.folder / CHECKPOINT
        found = load_checkpoint(path) if path.exists() else None
        seen = self.crew.gathered(np.array([found.progress.epochs_done if found else 0], np.int64))
        if len(set(seen.tolist())) > 1:
            raise ModelError(
                f"the workers see checkpoints of the epochs {seen.tolist()} in {self.folder}; expected one"
            )
        return found

    def _run_phase(self, phase: Phase, first: int, optimizer_state: list[Any]) -> None:
        phase.prepare(self.model)
        schedule = schedule_of(phase.epochs, phase.learning_rate, self.data.training.batch_count)
        self._compile(phase, schedule, optimizer_state)
        with restarted_masks(self._fitted, self.seed, self.crew.rows(self.data.training.batch_size)) as restart:
            while self.progress.epochs_done < first + phase.epochs and not self.progress.stopped:
                restart()  # a resumed run then draws the same masks
                row = self._run_epoch(phase.name, schedule)
                self._keep_if_best(row)
                self.progress.stopped = self._out_of_patience()
                self._save()
                self.on_epoch(row)

    def _compile(self, phase: Phase, schedule: Any, optimizer_state: list[Any]) -> None:
        with self.crew.scope():
            if self._fitted is not self.model:
                phase.prepare(self._fitted)
                self._fitted.set_weights(self.model.get_weights())
            self._fitted.compile(
                optimizer=JoinedAdam(schedule),
                loss=self.data.objective.loss,
                weighted_metrics=[],
                metrics=[self.data.objective.accuracy],
            )
            restore_optimizer(self._fitted, optimizer_state)
        self.crew.each(lambda: build_metrics(self._fitted, self.data.objective.target_spec))

    def _save(self) -> None:
        if self.crew.rank == 0:
            weights, optimizer = self.model.get_weights(), optimizer_state(self._fitted)
            save_checkpoint(self.folder / CHECKPOINT, self.progress, weights, optimizer, self.best_weights)

    def _out_of_patience(self) -> bool:
        """Whether the last phase has gone on for `patience` epochs without a better one; earlier phases run whole."""
        if self._patience_from is None or self.progress.best is None:
            return False
        return self.progress.epochs_done - max(self._patience_from, self.progress.best["epoch"]) >= self.patience

    def _run_epoch(self, phase: str, schedule: Any) -> dict[str, Any]:
        started = time.monotonic()
        epoch = self.progress.epochs_done + 1
        fitted = self._fit_once(epoch)
        row: dict[str, Any] = {
            "epoch": epoch,
            "phase": phase,
            "loss": float(fitted["loss"][0]),
            "accuracy": float(fitted["accuracy"][0]),
            **self._validated(),
            "learning_rate": float(schedule(self._fitted.optimizer.iterations)),
            "seconds": round(time.monotonic() - started, 2),
        }
        if not np.isfinite([row["loss"], row["val_loss"]]).all():
            raise ModelError(f"the loss of epoch {epoch} is not finite; choose a lower learning rate")
        return row

    def _validated(self) -> dict[str, float]:
        return validate(self.model, self.crew.part(self.data.validation), self.answers, self.crew.gathered)

    def _fit_once(self, epoch: int) -> dict[str, list[float]]:
        """One pass of the training images; an image's own error comes out instead of TensorFlow's account of it."""
        failures: list[EdgeleukError] = []

        def batches() -> Iterator[tuple[Any, Any, Any]]:
            try:
                yield from self._weighted(epoch)
            except EdgeleukError as error:
                failures.append(error)
                raise

        try:
            # With the number of steps told, Keras does not try one more, which would count in the optimizer's schedule.
            steps = self.data.training.batch_count
            spec = self.data.objective.target_spec
            data = self.crew.dataset(lambda: dataset_of(batches, self.model.input_shape, spec))
            history: dict[str, list[float]] = self._fitted.fit(data, steps_per_epoch=steps, epochs=1, verbose=0).history
        except tf.errors.OpError as error:
            raise (failures[0] if failures else error) from error
        if self._fitted is not self.model:
            self.model.set_weights(self._fitted.get_weights())
        return history

    def _weighted(self, epoch: int) -> Iterator[tuple[Any, Any, Any]]:
        training = self.crew.part(self.data.training)
        data = self.data.objective.batches(training, epoch)
        for images, labels, targets in _barred(data, f"epoch {epoch}", training.batch_count):
            yield images, targets, self.data.class_weights[labels].astype(np.float32)

    def _keep_if_best(self, row: dict[str, Any]) -> None:
        self.progress.epochs_done = row["epoch"]
        self.progress.rows.append(row)
        best = self.progress.best
        if best is None or (row["val_weighted_f1"], -row["val_loss"]) > (best["val_weighted_f1"], -best["val_loss"]):
            self.progress.best, self.best_weights = row, self.model.get_weights()


def answers_of(model: Any) -> Answers:
    """A function of float32 images [batch, height, width, channels] to the model's probabilities [batch, classes].

    One graph for batches of any size: `predict_on_batch` traces two, for whole batches and for the last of a pass.
    """
    shape = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    traced = tf.function(lambda images: model(images, training=False), input_signature=[shape])
    return lambda images: np.asarray(traced(tf.constant(images)))


def validate(
    model: Any,
    stream: ImageStream,
    answers: Answers | None = None,
    gathered: Callable[[NDArray[Any]], NDArray[Any]] = lambda values: values,
) -> dict[str, float]:
    """Loss (mean cross-entropy in nats), accuracy and weighted F1 of the network over one pass of the stream.

    `answers` is what `answers_of` made of the model, if it is there already. Where each worker has a part of the
    stream, `gathered` makes the arrays of all one.
    """
    answers = answers or answers_of(model)
    batches = _barred(stream.in_order(), "validation", stream.batch_count)
    # A part may hold no image; and TensorFlow's convolutions give an empty batch another shape.
    parts = [(answers(images), labels) for images, labels in batches if len(labels)]
    none = np.zeros((0, model.output_shape[-1]), np.float32), np.zeros(0, np.int64)
    probabilities, labels = (gathered(np.concatenate(part)) for part in zip(none, *parts, strict=True))
    probabilities = probabilities.astype(np.float64)
    predicted = probabilities.argmax(axis=1)
    chosen = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7)
    return {
        "val_loss": float(-np.log(chosen).mean()),
        "val_accuracy": float((predicted == labels).mean()),
        "val_weighted_f1": weighted_f1(labels, predicted, probabilities.shape[1]),
    }


def _barred(batches: Iterable[_Batch], title: str, count: int) -> Iterator[_Batch]:
    """The batches, with a bar and the time left on a terminal (disable=None), which goes when they end."""
    yield from tqdm(batches, title, count, leave=False, disable=None)
