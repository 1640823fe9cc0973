"""Row 10: peak memory of `edgeleuk infer` with a small model, over that of a plain script."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.models import SEED_0, found_model
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import alternated
from benchmarks.before_after.rows.process import PLAIN
from benchmarks.models import HALF, cell_image, model_path
from benchmarks.peak import peak_mib

_BAR = 1.05


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Of the smallest model that a search found, and of InceptionV3 at 160 px and half width."""
    image = cell_image(options.cache)
    for name, model in ((SEED_0, found_model(SEED_0, cache=options.cache)), (HALF.name, _half(options))):
        ways = {
            build.name: partial(peak_mib, build.command("infer", model, image), build.environment())
            for build in (before, now)
        }
        ways["plain"] = partial(peak_mib, [*PLAIN, str(model), str(image)])
        found = {way: tuple(values) for way, values in alternated(ways, options.pairs).items()}
        yield Comparison(10, f"peak memory {name}", "MiB", found["before"], found["now"], _BAR, peer=found["plain"])


def _half(options: Options) -> Path:
    return model_path(HALF, "int8", options.cache)
