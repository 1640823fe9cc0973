"""Joining clusters: real ones of `ray start` on this machine, and addresses where there is none."""

import json
import socket
import subprocess
import threading
import time
from contextlib import suppress

import pytest

import edgeleuk
from edgeleuk.cluster.joining import joined
from edgeleuk.errors import EdgeleukError, UsageError
from tests.clusters import free_port, joined_by, node

pytestmark = pytest.mark.slow


def join(address):
    """Join it, and leave it at once."""
    with joined(address):
        pass


def test_a_cluster_is_joined_by_its_address_and_left(address):
    with joined(address) as cluster:
        assert (cluster.address, cluster.cores, cluster.gpus, len(cluster.nodes)) == (address, 2, 0, 1)
        cluster.check_nodes()
        assert cluster.ray.get(cluster.ray.remote(lambda: 7).remote()) == 7
    assert not cluster.ray.is_initialized()


def test_a_local_cluster_listens_on_loopback_alone(run_python):
    """In a process of its own, for Ray reads once where it is to listen."""
    program = (
        "from edgeleuk.cluster.joining import joined\nwith joined('local', 1) as cluster:\n    cluster.check_nodes()\n"
    )
    done = run_python(program + "    print(cluster.cores, {each.address for each in cluster.nodes})")
    assert (done.stdout, done.returncode) == ("1 {'127.0.0.1'}\n", 0), done.stderr


def test_an_address_where_nothing_listens_is_an_error_at_once():
    begun = time.monotonic()
    place = f"127.0.0.1:{free_port()}"
    with pytest.raises(EdgeleukError, match=rf"--ray {place}: no cluster could be joined there \(.*refused\); start"):
        join(place)
    assert time.monotonic() - begun < 10


def test_a_host_that_is_not_there_is_an_error_in_seconds():
    begun = time.monotonic()
    with pytest.raises(EdgeleukError, match="no cluster could be joined there"):
        join("no-such-host.invalid:6379")
    assert time.monotonic() - begun < 30


def test_a_cluster_that_is_gone_is_an_error_at_once_for_auto(monkeypatch):
    """As where `ray start` was killed, whose address Ray keeps and would try for minutes."""
    head = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", head)
    begun = time.monotonic()
    with pytest.raises(EdgeleukError, match=rf"--ray auto: no cluster could be joined at {head}, which .* names \("):
        join("auto")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("address", ["nonsense", "ray://127.0.0.1:1", "local:", "-1", "127.0.0.1:port"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises((UsageError, EdgeleukError), match=f"--ray {address}: "), joined(address):
        pass


def test_a_cluster_of_another_version_is_named_with_both(address):
    """By what its head says of itself, to which Ray compares."""
    from ray._private.worker import global_worker

    key = b"CLUSTER_METADATA"
    with joined(address):
        store = global_worker.gcs_client
        before = store.internal_kv_get(key, b"cluster")
        other = json.dumps(json.loads(before) | {"ray_version": "2.99.0"}).encode()
        store.internal_kv_put(key, other, True, b"cluster")
    try:
        with pytest.raises(EdgeleukError, match=r"2\.99\.0.*Install the cluster's versions of Ray and Python here"):
            join(address)
    finally:
        from ray._raylet import GcsClient

        GcsClient(address=address).internal_kv_put(key, before, True, b"cluster")


def test_a_machine_with_another_edgeleuk_is_named(address, monkeypatch):
    with joined(address) as cluster:
        monkeypatch.setattr(edgeleuk, "__version__", "99.0")
        found = (
            rf"the machine {cluster.nodes[0].address} of the cluster has edgeleuk .*, this one 99.0: install the same"
        )
        with pytest.raises(EdgeleukError, match=found):
            cluster.check_nodes()


def test_a_folder_that_a_machine_does_not_see_is_named(address, tmp_path):
    """One of the machines has another folder of the same name."""
    private = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {tmp_path} && exec "$@"', "sh")
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs a mount namespace")
    (tmp_path / "images").mkdir()
    with node(["--address", address], 1, private):
        cluster = joined_by(address, 2)
        with cluster as found:
            found.check_nodes([tmp_path])
            with pytest.raises(
                EdgeleukError, match=rf"does not see {tmp_path}/images: expected folders on a file system"
            ):
                found.check_nodes([tmp_path / "images"])
            with pytest.raises(EdgeleukError, match=rf"does not see {tmp_path}: expected folders on a file system"):
                found.check_nodes(written=tmp_path)
            assert [each.name for each in tmp_path.iterdir()] == ["images"]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_the_port_of_something_else_is_an_error_in_seconds(answer):
    """Of what is silent, and of a dashboard."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        thread = threading.Thread(target=lambda: served(other, answer))
        thread.start()
        begun = time.monotonic()
        with pytest.raises(EdgeleukError, match="what listens there is no head of a Ray cluster"):
            join(f"127.0.0.1:{other.getsockname()[1]}")
        assert time.monotonic() - begun < 15
        thread.join()


def served(listening, answer):
    """Answer one connection, and hold it until it is closed."""
    connection, _ = listening.accept()
    with connection, suppress(ConnectionError):
        connection.sendall(answer)
        while connection.recv(4096):
            pass
