"""What the layers of a configuration read, checked before Keras builds it.

`tf_keras.Model.from_config` builds a layer once all that it reads is there, and waits for the rest: for a layer that
reads what never comes, or itself by a detour, without end.
"""

from collections.abc import Iterator
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.graph import references
from edgeleuk.text import printable

_Uses = set[tuple[str, int]]  # name of a layer and number of one of its uses


def refuse_loose_ends(config: Any, origin: str) -> None:
    """Raise ModelError if a functional network in a configuration, however deep, can never be built."""
    for found in _networks(config):
        try:
            _check(found, origin)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ModelError(
                f"{origin} holds no configuration of a network that can be read ({error!r:.100})"
            ) from error


def _networks(value: Any) -> Iterator[dict[str, Any]]:
    """Configurations that list layers and the outputs among them."""
    if isinstance(value, dict):
        if isinstance(value.get("layers"), list) and "output_layers" in value:
            yield value
        for inner in value.values():
            yield from _networks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _networks(inner)


def _check(config: dict[str, Any], origin: str) -> None:
    waiting = {entry["name"]: [[*references(node)] for node in entry["inbound_nodes"]] for entry in config["layers"]}
    networks = {entry["name"] for entry in config["layers"] if "layers" in entry.get("config", {})}
    made: _Uses = {(name, 0) for name, nodes in waiting.items() if not nodes}
    done = dict.fromkeys(waiting, 0)
    progress = True
    while progress:
        progress = False
        for name, nodes in waiting.items():
            while nodes and all(_is_there(reference, made) for reference in nodes[0]):
                del nodes[0]
                # A network was used once before, when it was made: its uses in another are counted from 1.
                made |= {(name, done[name]), *([(name, done[name] + 1)] if name in networks else [])}
                done[name] += 1
                progress = True
    _refuse(
        [(name, reference) for name, nodes in waiting.items() for node in nodes for reference in node], made, origin
    )
    _refuse([("its output", reference) for reference in references(config["output_layers"])], made, origin)


def _is_there(reference: Any, made: _Uses) -> bool:
    return (reference[0], reference[1]) in made


def _refuse(read: list[tuple[str, Any]], made: _Uses, origin: str) -> None:
    for reader, reference in read:
        if not _is_there(reference, made):
            raise ModelError(
                f"{origin}: {printable(reader)} reads use {reference[1]} of the layer {printable(reference[0])}, which "
                "is not there or waits for itself; the file is damaged or was edited, save the model again"
            )
