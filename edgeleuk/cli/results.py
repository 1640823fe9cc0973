"""`edgeleuk results`: list, filter and export what a store holds."""

from pathlib import Path

import click


@click.command()
@click.argument("db", type=click.Path(path_type=Path))
@click.option("--subject", help="Only of this subject.")
@click.option("--label", help="Only with this label.")
@click.option("--source", type=click.Choice(["file", "watch", "camera", "upload"]), help="Only from there.")
@click.option("--model", metavar="SHA256", help="Only of the model with this hash.")
@click.option("--since", metavar="TIME", help="Not before: 2026-11-24, 2026-11-24T10:30Z, or 36h for so long ago.")
@click.option("--until", metavar="TIME", help="Before that time.")
@click.option("--limit", type=click.IntRange(1), help="At most so many. Default: 20 as a table, else all.")
@click.option("--csv", "form", flag_value="csv", help="CSV.")
@click.option("--json", "form", flag_value="json", help="JSON lines.")
@click.option("--subjects", is_flag=True, help="A summary of each subject instead.")
@click.option("--failures", is_flag=True, help="Images that could not be classified instead.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, whole or not at all.")
def command(
    db: Path,
    limit: int | None,
    form: str | None,
    subjects: bool,
    failures: bool,
    output: Path | None,
    **wanted: str | None,
) -> None:
    """List the latest results in DB, a store that infer --store or serve made; filter and export them."""
    from edgeleuk.store import Store
    from edgeleuk.store.listing import Listing, lines, make_filter, write_lines

    asked = Listing(form or "table", make_filter(**wanted), limit, subjects, failures)
    with Store.open(db, read_only=True) as store:
        write_lines(lines(store, asked), output)
