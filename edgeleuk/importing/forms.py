"""The forms of input, activations and output that networks of others have, brought into the one that is taken here."""

from typing import Any

from edgeleuk.importing.activations import settle_activations
from edgeleuk.importing.input_side import Settled, settle_input
from edgeleuk.importing.output_side import settle_output
from edgeleuk.spec import ModelSpec


def settle(network: Any, spec: ModelSpec) -> Settled:
    """A flat functional network with an input and scores of that form, the spec that fits it, and what was changed.

    The spec's scores "logits" put softmax behind the network. Raises ModelError for a network that cannot be brought
    into it, SpecError for a spec that contradicts it.
    """
    network, spec, notes = settle_input(network, spec)
    network, spec, more = settle_output(settle_activations(network), spec)
    return network, spec, (*notes, *more)
