"""What `edgeleuk serve` is told, and the limits that keep a flood, a slow client or a bomb from taking the device."""

from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.classify.recorder import Keep
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.picture_limits import MAX_PIXELS

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Every bound of the server. Seconds end in _s, rates in _per_s."""

    max_upload_bytes: int = 20 * MIB
    max_pixels: int = MAX_PIXELS
    queue: int = 8  # images that may wait for their answer; one more gets 503

    uploads_per_s: float = 20.0  # of one client, sustained
    upload_burst: int = 40
    requests_per_s: float = 50.0  # of one client, whatever it asks for
    request_burst: int = 800  # a dozen tabs of the page opened at once, up to 65 each with pictures
    logins_per_minute: float = 6.0  # failed ones of one client
    login_burst: int = 6
    all_logins_per_minute: float = 60.0  # failed ones of all clients together that never knew the token
    all_login_burst: int = 60

    connections: int = 128  # one more is told to come back
    held: int = 64  # refusals that are held back at once, each a connection, as their clients did not wait
    listeners: int = 32  # browsers that follow the live list
    listeners_per_client: int = 8
    downloads: int = 2  # CSV files under way
    sessions: int = 64
    session_s: float = 12 * 3600.0

    keep_alive_s: int = 15
    body_s: float = 60.0
    body_grace_s: float = 5.0  # after which a body must have come at `body_bytes_per_s` on average
    body_bytes_per_s: int = 8192
    write_s: float = 20.0  # that a client may leave an answer unread
    stop_s: int = 8  # for requests under way when the server is stopped


@dataclass(frozen=True)
class Settings:
    """One server: which model, which store, where it listens and who may use it. `token` None: no token is needed."""

    model: Path
    store: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    threads: int | None = None
    backend: str = "auto"
    gate: str = WARN
    limits: Limits = Limits()
    keep: Keep = field(default_factory=Keep)
    trusted_proxies: tuple[str, ...] = ()
