"""`edgeleuk install-service`: the services on a device."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.paths import Existing, Place


@edgeleuk_command(
    examples=(
        "edgeleuk install-service model.tflite",
        "edgeleuk install-service --watch /srv/microscope --extras camera",
        "edgeleuk install-service --uninstall",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes"), required=False)
@click.option("--wheels", type=Place(file_okay=False), metavar="DIR", help="Folder of wheels to install from, offline.")
@click.option("--watch", type=Place(file_okay=False), metavar="DIR", help="Folder to watch for images.")
@click.option(
    "--host", metavar="ADDRESS", help="Address of the page: 127.0.0.1 for this machine, 0.0.0.0 for the network."
)
@click.option("--port", metavar="NUMBER", help="Port of the page, 1024 to 65535.")
@click.option("--allowed-host", multiple=True, metavar="NAME", help="Additional name of the page; none removes it.")
@click.option("--trusted-proxy", multiple=True, metavar="ADDRESS", help="Proxy in front of the page; none removes it.")
@click.option("--extras", type=Choice(("camera", "none")), help="Install this extra, too, also at each later upgrade.")
@click.option("--no-web", is_flag=True, help="Leave the page out.")
@click.option("--uninstall", is_flag=True, help="Remove program, services and user; keep data and settings.")
@click.option("--purge", is_flag=True, help="With --uninstall: remove data, settings and token, too.")
def command(model: Path | None, **given: Any) -> None:
    """Install edgeleuk as services of this device: MODEL classifies what appears in a folder, and a page shows it.

    Runs the shipped deploy/install.sh, as root and on Raspberry Pi OS or another Debian: program in /opt/edgeleuk, data
    in /var/lib/edgeleuk, settings and model in /etc/edgeleuk. Run it again to upgrade or to replace the model: settings
    are kept, and only what changed is restarted. sudo does not look into virtual environments, so type
    sudo "$(command -v edgeleuk)" install-service MODEL.
    """
    from edgeleuk.device.installer import run_installer

    words = [] if model is None else [str(model.absolute())]
    run_installer(words + [word for name, value in given.items() for word in _words(name, value)])


def _words(name: str, value: Any) -> list[str]:
    """An option as install.sh takes it; none if it was not given."""
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    return [word for each in (value if isinstance(value, tuple) else (value,)) if each for word in (option, str(each))]
