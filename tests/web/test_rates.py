"""Token buckets, on a clock of our own."""

import pytest

from edgeleuk.web.rates import RateLimit, client_key


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_a_burst_is_allowed_and_then_the_rate(clock):
    limit = RateLimit(2.0, 3, clock)
    assert [limit.take("a") for _ in range(3)] == [0, 0, 0]
    assert limit.take("a") == pytest.approx(0.5)
    clock.now_s = 0.5
    assert limit.take("a") == 0
    assert limit.take("a") == pytest.approx(0.5)


def test_a_refused_request_takes_no_token(clock):
    limit = RateLimit(1.0, 1, clock)
    limit.take("a")
    for _ in range(100):
        limit.take("a")
    clock.now_s = 1.0
    assert limit.take("a") == 0


def test_a_bucket_never_holds_more_than_the_burst(clock):
    limit = RateLimit(10.0, 2, clock)
    clock.now_s = 1e6
    assert [limit.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_clients_do_not_share_a_bucket(clock):
    limit = RateLimit(1.0, 1, clock)
    assert [limit.take("a"), limit.take("b")] == [0, 0]


def test_only_so_many_clients_are_remembered(clock):
    limit = RateLimit(1.0, 1, clock)
    for number in range(5000):
        limit.take(str(number))
    assert len(limit._buckets) == 1024


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_client_is_an_address_or_an_ipv6_network(address, key):
    assert client_key(address) == key
