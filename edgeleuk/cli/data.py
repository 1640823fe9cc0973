"""`edgeleuk data`: audit a folder of cell images, split it without leaks, or make a synthetic one."""

from pathlib import Path

import click

from edgeleuk.cli.commands import CONTEXT, Group
from edgeleuk.cli.device_options import json_option, max_megapixels_option
from edgeleuk.cli.options import LABEL_OPTIONS, data_root_option, label_options
from edgeleuk.cli.output import say, show, show_json
from edgeleuk.cli.paths import Existing, OutputFile, OutputFolder
from edgeleuk.data.audit import audit
from edgeleuk.data.audit_text import render
from edgeleuk.data.given import folds_dealt_anew, kept_split, without_given
from edgeleuk.data.index import Index
from edgeleuk.data.labels import LabelSource
from edgeleuk.data.near import NEAR_BITS, with_near_groups
from edgeleuk.data.scan import scan
from edgeleuk.data.shortcuts.judging import Search, shortcuts_of_index, shortcuts_of_scan
from edgeleuk.data.shortcuts.text import render as render_shortcuts
from edgeleuk.data.sizes import scanned_sizes, size_problems
from edgeleuk.data.split import left_out, official_folds, split_scan
from edgeleuk.data.split_text import describe_move, index_record, render_index
from edgeleuk.errors import DataError, UsageError
from edgeleuk.progress import Counter
from edgeleuk.text import counted

_positive = click.option(
    "--positive", metavar="CLASS", help="Class that a detection means; 'all' in the C-NMC layout, else none."
)
_near_bits = click.option(
    "--near-bits",
    type=click.IntRange(0, 64),
    default=NEAR_BITS,
    show_default=True,
    help="Most bits of 256 in which the perceptual hashes of near copies differ.",
)
_IMAGES = Existing("folder", "a folder of images or a manifest")


@click.group(cls=Group, context_settings=CONTEXT)
def command() -> None:
    """Audit, split or synthesize folders of cell images."""


@command.command(
    "audit",
    examples=(
        "edgeleuk data audit cells/",
        "edgeleuk data audit C-NMC/ --json > audit.json",
        "edgeleuk data audit index.json --shortcuts",
        "edgeleuk data audit images/ --labels labels.csv --label-column diagnosis",
        "edgeleuk data audit ALL_IDB2/ --label-pattern '_(?P<label>[01])[.]'",
    ),
    groups={"Labels": LABEL_OPTIONS},
)
@click.argument(
    "path", type=Existing("folder, manifest or index", "a folder of images, a manifest, or with --shortcuts an index")
)
@_positive
@label_options
@click.option("--shortcuts", is_flag=True, help="Also find how far colour, file size and the like tell the class.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of --shortcuts.")
@_near_bits
@data_root_option
@max_megapixels_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def audit_command(
    path: Path,
    positive: str | None,
    labels: LabelSource,
    shortcuts: bool,
    seed: int,
    near_bits: int,
    data_root: Path | None,
    max_pixels: int,
    as_json: bool,
) -> None:
    """Report what PATH holds: images by class, fold and subject, unreadable files, byte-identical copies.

    PATH is the C-NMC folder, a folder with one sub-folder per class (subjects in subjects.csv: path,subject), or a
    manifest TSV (path, sha256, size); or any folder of images with --labels or --label-pattern. Exit status 1 if copies
    have two labels or no image is usable.

    With --shortcuts PATH may be an index: trivial features are then learned on its training part and asked about its
    test part, else in its folds; of a folder in parts that share no subject.
    """
    if path.suffix == ".json":
        if not labels.is_empty:
            raise UsageError(f"{path} is an index, which has its labels; audit the folder that it is of")
        _audit_index(path, shortcuts, seed, data_root, as_json)
        return
    found = scan(path, positive, Counter("images read").at, data_root, max_pixels, labels)
    report = audit(found, near_bits)
    wanted = shortcuts and not report.errors
    if as_json:
        told = {"shortcuts": shortcuts_of_scan(found, _search(seed)).to_dict()} if wanted else {}
        show_json(report.to_dict() | told)
    else:
        show(render(report))
        if wanted:
            show(f"\n{render_shortcuts(shortcuts_of_scan(found, _search(seed)))}")
    if report.errors:
        raise DataError("; ".join(report.errors))


def _audit_index(path: Path, shortcuts: bool, seed: int, data_root: Path | None, as_json: bool) -> None:
    if not shortcuts:
        raise UsageError(f"{path} is an index: audit the folder that it is of, or ask for --shortcuts")
    told = shortcuts_of_index(Index.load(path, data_root), _search(seed))
    show_json({"schema_version": 1, "shortcuts": told.to_dict()}) if as_json else show(render_shortcuts(told))


def _search(seed: int) -> Search:
    return Search(seed=seed, progress=Counter("images looked at").at)


@command.command(
    "split",
    examples=(
        "edgeleuk data split cells/ -o index.json",
        "edgeleuk data split C-NMC/ --official -o index.json",
        "edgeleuk data split cells/ --folds 5 --test-fraction 0.2 -o index.json",
        "edgeleuk data split images/ --labels labels.csv --subject-column patient",
        "edgeleuk data split cells/ --subject-pattern '(?P<subject>p[0-9]+)_'",
    ),
    groups={"Labels": LABEL_OPTIONS},
)
@click.argument("path", type=_IMAGES)
@click.option(
    "-o",
    "--output",
    type=OutputFile(),
    default=Path("index.json"),
    show_default=True,
    help="Index to write.",
)
@click.option("--folds", type=int, help="Folds for cross-validation.  [default: 3]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the order in which groups are dealt.")
@click.option(
    "--test-fraction",
    type=float,
    default=0.0,
    show_default=True,
    help="Share of every class to hold out as split 'test', in whole groups.",
)
@_positive
@label_options
@data_root_option
@max_megapixels_option
@click.option(
    "--official", is_flag=True, help="Keep the folds of C-NMC, or a given split, and move only the groups that leak."
)
@click.option("--near", is_flag=True, help="Keep near copies together, too: saved again, resized, turned or mirrored.")
@_near_bits
@click.option("--redeal", is_flag=True, help="Deal all images anew, whatever train, val and test they came in.")
@json_option
def split_command(
    path: Path,
    output: Path,
    folds: int | None,
    seed: int,
    test_fraction: float,
    positive: str | None,
    labels: LabelSource,
    data_root: Path | None,
    max_pixels: int,
    official: bool,
    redeal: bool,
    near: bool,
    near_bits: int,
    as_json: bool,
) -> None:
    """Write an index of PATH whose folds share no subject and no copy of an image.

    Images that came in train, val and test stay there, unless these parts share a subject or a copy, which is refused;
    all others are dealt, with classes spread evenly over the folds. What is left out is said on stderr.
    """
    if official and (folds is not None or test_fraction):
        raise UsageError("--official keeps the folds as they are; leave --folds and --test-fraction out")
    if official and redeal:
        raise UsageError("--official keeps the split as it is, --redeal deals anew; give one")
    found = scan(path, positive, Counter("images read").at, data_root, max_pixels, labels)
    found = without_given(found) if redeal else found
    found = with_near_groups(found, near_bits) if near else found
    index, moves = official_folds(found) if official else (split_scan(found, folds, seed, test_fraction), [])
    for note in (*found.notes, *kept_split(found), *([] if official else folds_dealt_anew(found))):
        say(note)
    dropped = [*left_out(found), *size_problems(scanned_sizes(found))]
    for sentence in dropped:
        say(f"warning: {sentence}")
    index.save(output)
    if as_json:
        show_json(index_record(index, moves, found.left_out, dropped, output))
        return
    for move in moves:
        show(describe_move(move))
    show(render_index(index, output))


@command.command(
    "crop-boxes",
    examples=(
        "edgeleuk data crop-boxes BCCD/ -o cells --class WBC",
        "edgeleuk data crop-boxes BCCD/ -o cells --margin 0.2 --side 96",
    ),
)
@click.argument("path", type=Existing("folder", "a folder of pictures and XML files of boxes", file_okay=False))
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFolder(may_exist=False),
    metavar="DIR",
    help="New folder of one sub-folder per class, with subjects.csv.",
)
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Cut these only; may be given again.")
@click.option(
    "--margin",
    type=float,
    default=0.1,
    show_default=True,
    help="Added on each side, as a share of a box's longer side.",
)
@click.option("--side", type=int, metavar="PX", help="Side of all crops. Default: 9 of 10 boxes fit, with the margin.")
@json_option
def crop_boxes_command(
    path: Path, output: Path, classes: tuple[str, ...], margin: float, side: int | None, as_json: bool
) -> None:
    """Cut the cells that boxes mark in the pictures of PATH into class folders.

    Each picture has an XML file of the same name (Pascal VOC, as in BCCD). All crops have the same side, so that cells
    keep their scale; cells of one picture share it as their subject, so that a split keeps them together.
    """
    import dataclasses

    from edgeleuk.data.crops import CropSettings, crop_boxes

    found = crop_boxes(path, output, CropSettings(classes, margin, side), Counter("pictures read").at)
    for problem in found.problems:
        say(f"warning: {problem}")
    if as_json:
        show_json({"schema_version": 1, "folder": str(output), **dataclasses.asdict(found)})
        return
    cells = ", ".join(f"{name} {count:,}" for name, count in found.counts.items())
    show(f"{output}: {cells}; crops of {found.side_px} px from {counted(found.pictures, 'picture')}")
    show("Subjects are pictures, not patients: no claim about new patients can be made.")


@command.command(
    "synth",
    examples=(
        "edgeleuk data synth cells",
        "edgeleuk data synth cells --subjects 24 --difficulty 0.8",
    ),
)
@click.argument("out", type=OutputFolder(may_exist=False))
@click.option("--subjects", type=int, default=12, show_default=True, help="Subjects, half of them with leukemia.")
@click.option("--images-per-subject", type=int, default=30, show_default=True, help="Cells of each subject.")
@click.option("--folds", type=int, default=3, show_default=True, help="Training folds the subjects are spread over.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of every random draw.")
@click.option("--difficulty", type=float, default=0.5, show_default=True, help="0 (easy) to 1 (classes look alike).")
def synth_command(out: Path, subjects: int, images_per_subject: int, folds: int, seed: int, difficulty: float) -> None:
    """Draw cells in the C-NMC layout into the new folder OUT, to try everything without the data set."""
    from edgeleuk.data.synthetic.synth import write_cells

    number = write_cells(
        out, subjects=subjects, images_per_subject=images_per_subject, folds=folds, seed=seed, difficulty=difficulty
    )
    show(f"{out}: {number:,} images of {subjects} subjects; synthetic, not for any medical use")
