"""Names that people know: those of PyTorch's modules, for what litert-torch names by the classes on the way there.

It calls what a module computes "package.Net/package.Block_layer1/torch.nn.modules.conv.Conv2d_conv;2": the class and
the attribute of each module from the outermost in, joined by semicolons with what was fused into it, and a number. Of
that "layer1.conv" is what the network's own code and its state_dict call it.
"""

import re

from edgeleuk.quantization.tflite.graph import TfliteGraph

_CLASS = re.compile(r"(?P<package>(?:\w+\.)+)(?P<kind>[^_.]+)(?:_(?P<name>\w+))?")
_BUILT_IN = "torch.nn.modules."
_BEFORE = ("PAD", "PADV2", "TRANSPOSE")  # of what a module reads


def name_by_modules(graph: TfliteGraph) -> None:
    """Give each computed tensor the name of the module that it comes from, if it is named as litert-torch does."""
    for operator in graph.operators:
        for tensor in operator.outputs:
            name = module_name(graph.name(tensor), graph.kind(operator))
            if name and tensor not in graph.outputs:
                graph.rename(tensor, name)


def module_name(tensor: str, operator: str) -> str:
    """ "layer1.conv" of such a name, with the operator's behind it unless a module does just that; "" of others."""
    parts = [part for part in tensor.split(";") if part and not part.isdigit()]
    steps = [_CLASS.fullmatch(step) for step in parts[-1].split("/")] if parts else []
    if not steps or not all(steps):
        return ""
    names = [step["name"] for step in steps if step and step["name"]]
    last = steps[-1]
    is_layer = last is not None and last["package"].startswith(_BUILT_IN) and operator not in _BEFORE
    return ".".join(names if is_layer else [*names, operator.lower()])
