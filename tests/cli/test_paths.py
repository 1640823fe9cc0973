"""Places and numbers on a command line that no command may take."""

from collections.abc import Iterator

import click
import pytest

from edgeleuk.cli import main
from edgeleuk.cli.program import root
from edgeleuk.store import Store
from tests.store.helpers import result


def ended(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    return raised.value.code


@pytest.mark.parametrize("more", [[], ["--csv"], ["--json"], ["--subjects"]])
def test_the_store_that_is_read_is_never_overwritten(more, tmp_path, capsys):
    place = tmp_path / "results.db"
    with Store.open(place) as store:
        store.add([result("1")])
    (tmp_path / "link.db").symlink_to(place)
    before = place.read_bytes()
    for output in (place, tmp_path / "link.db"):
        assert ended(["results", str(place), *more, "-o", str(output)]) == 2
        assert "is the store that is read, and would be lost; write elsewhere" in capsys.readouterr().err
    assert place.read_bytes() == before


def test_the_image_that_is_explained_is_never_overwritten(small_model, write_image, capsys):
    image = write_image("cell.png")
    before = image.read_bytes()
    assert ended(["explain", str(small_model), str(image), "-o", str(image)]) == 2
    assert "is the image that is read" in capsys.readouterr().err
    assert image.read_bytes() == before


def commands(group: click.Group, context: click.Context) -> Iterator[click.Command]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, context) if isinstance(found, click.Group) else (found,)


def test_no_bounded_number_takes_nan_or_infinity():
    context = click.Context(root)
    bounded = [
        (command, option)
        for command in commands(root, context)
        for option in command.params
        if isinstance(option.type, click.FloatRange)
    ]
    assert len(bounded) >= 6
    for command, option in bounded:
        for text in ("nan", "inf", "-inf"):
            with pytest.raises(click.BadParameter):
                option.type.convert(text, option, click.Context(command))


def test_an_archive_is_refused_by_name_where_a_store_is_expected(small_model, write_image, tmp_path, capsys):
    from edgeleuk.archive.schema import Head, write_head

    write_head(tmp_path, Head())
    model, image, archive = str(small_model), str(write_image("cell.png")), str(tmp_path)
    for arguments in (
        ["drift", archive, model],
        ["infer", model, image, "--store", archive],
        ["serve", model, "--store", archive, "--port", "0"],
    ):
        assert ended(arguments) == 2
        assert f"{archive} is a folder, an archive of 'edgeleuk score'" in capsys.readouterr().err
