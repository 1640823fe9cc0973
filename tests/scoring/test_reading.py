"""What comes of a shard that is compressed and damaged."""

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.scoring.reading import came
from edgeleuk.scoring.units import TAR, Unit
from tests.scoring.helpers import picture, write_shard


def _wrong_sum(content: bytes) -> bytes:
    return content[:-8] + bytes(8)


def _overwritten(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b"\xff" * 64 + content[middle + 64 :]


@pytest.mark.parametrize(
    ("compress", "damage", "told"),
    [
        (gzip.compress, _wrong_sum, "the shard is damaged (CRC check failed"),
        (gzip.compress, _overwritten, "the shard is"),
        (lzma.compress, _overwritten, "the shard is"),
    ],
)
def test_damage_of_a_compressed_shard_is_told_for_good(
    tmp_path: Path, compress: Callable[[bytes], bytes], damage: Callable[[bytes], bytes], told: str
) -> None:
    plain = write_shard(tmp_path / "plain.tar", {f"{number}.bmp": picture(number) for number in range(9)}).read_bytes()
    shard = tmp_path / "packed.tar"
    shard.write_bytes(compress(plain))
    unit = Unit(TAR, ((str(shard), "1"),))
    assert [each.error for each in came(unit, MAX_PIXELS)] == [None] * 9
    shard.write_bytes(damage(compress(plain)))
    *_, last = came(unit, MAX_PIXELS)
    assert (last.name, last.passing) == (str(shard), False)
    assert last.error is not None
    assert last.error.startswith(told)
