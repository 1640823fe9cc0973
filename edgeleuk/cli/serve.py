"""`edgeleuk serve`: the page for the lab bench."""

import os
from pathlib import Path

import click

from edgeleuk.cli.commands import Number, edgeleuk_command
from edgeleuk.cli.device_options import gate_option, interpreter_options, max_megapixels_option
from edgeleuk.cli.output import say
from edgeleuk.cli.paths import Existing, StoreFile

_STORE = Path("results.db")


@edgeleuk_command(
    examples=(
        "edgeleuk serve model.tflite",
        "edgeleuk serve model.tflite --host 0.0.0.0 --token-file token --store lab.db",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.option(
    "--store",
    type=StoreFile(),
    help=f"Store of results; created if absent. Default: {_STORE} in this folder.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; any other needs a token.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--token-file",
    type=Existing("token file", "a file that holds the token", dir_okay=False),
    help="File with the token that clients must send. Default: EDGELEUK_TOKEN, else systemd's credential 'token'.",
)
@click.option("--allowed-host", "names", multiple=True, metavar="NAME", help="Additional host name of this server.")
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network of a proxy whose X-Forwarded-For and X-Forwarded-Proto are believed.",
)
@click.option("--queue", default=8, show_default=True, type=click.IntRange(1), help="Images that may wait for answers.")
@click.option(
    "--max-upload-mb", default=20, show_default=True, type=click.IntRange(1, 256), help="Largest image file, in MiB."
)
@click.option("--rate", default=20.0, show_default=True, type=Number(0.1), help="Images a second from one client.")
@click.option(
    "--previews-mb", default=256, show_default=True, type=click.IntRange(1), help="Previews of uploads kept, in MiB."
)
@click.option("--previews-days", type=click.IntRange(1), help="And for at most this many days. Default: no limit.")
@gate_option
@max_megapixels_option
@interpreter_options()
def command(
    model: Path,
    store: Path | None,
    host: str,
    port: int,
    token_file: Path | None,
    names: tuple[str, ...],
    proxies: tuple[str, ...],
    queue: int,
    max_upload_mb: int,
    rate: float,
    previews_mb: int,
    previews_days: int | None,
    max_pixels: int,
    threads: int | None,
    backend: str,
    gate: str,
) -> None:
    """Serve a page where a browser hands in images and sees what MODEL says, and all that the store holds.

    Drop images, follow what 'edgeleuk infer --watch' classifies, look results up, download them; a JSON API lies under
    /api. SIGHUP reloads MODEL, SIGTERM ends. For research use, not a diagnosis.
    """
    from edgeleuk.classify.recorder import Keep
    from edgeleuk.errors import MissingExtraError

    try:
        from edgeleuk.web.server import serve
    except ModuleNotFoundError as error:
        raise MissingExtraError("edgeleuk serve", "web") from error
    from edgeleuk.web.settings import MIB, Limits, Settings
    from edgeleuk.web.tokens import find_token

    limits = Limits(queue=queue, max_upload_bytes=max_upload_mb * MIB, uploads_per_s=rate, max_pixels=max_pixels)
    keep = Keep(previews_mb * MIB, previews_days)
    token = find_token(token_file, os.environ)
    if store is None:
        store = _STORE.absolute()
        say(f"results are stored in {store}; --store FILE chooses another file")
    settings = Settings(model, store, host, port, token, names, threads, backend, gate, limits, keep, proxies)
    serve(settings, say)
