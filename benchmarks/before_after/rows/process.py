"""Row 5: `edgeleuk infer` on one BMP, whole process, over a plain script that does the same on one thread."""

import sys
from collections.abc import Iterator

from benchmarks.before_after.builds import ROOT, Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import Command, in_turn
from benchmarks.models import FULL, HALF, cell_image, model_path

BAR = 1.12
PLAIN = (sys.executable, str(ROOT / "benchmarks/plain_infer.py"))


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Of each network with its own choice of threads on all cores, and with one thread on one core."""
    image = str(cell_image(options.cache))
    one = None if options.core is None else frozenset({options.core})
    for shape in (HALF, FULL):
        model = str(model_path(shape, "int8", options.cache))
        for threads, cores in (((), None), (("--threads", "1"), one)):
            commands = {
                build.name: Command(build.command("infer", model, image, *threads), build.environment(), cores)
                for build in (before, now)
            }
            commands["plain"] = Command([*PLAIN, model, image], cores=cores)
            found = {
                name: tuple(1000 * value for value in values) for name, values in in_turn(commands, options).items()
            }
            title = " ".join(("infer", shape.name, *threads))
            yield Comparison(5, title, "ms", found["before"], found["now"], BAR, peer=found["plain"])
