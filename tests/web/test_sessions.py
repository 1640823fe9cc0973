"""Sessions: bounded, expiring, unguessable."""

from edgeleuk.web.sessions import COOKIE, Sessions, removal_cookie


def test_a_session_lasts_for_its_time_and_no_longer():
    now = [0.0]
    sessions = Sessions(4, 60, lambda: now[0])
    name = sessions.create()
    now[0] = 59.9
    assert name in sessions
    now[0] = 60.0
    assert name not in sessions


def test_the_oldest_session_makes_room():
    sessions = Sessions(2, 60)
    first, second, third = (sessions.create() for _ in range(3))
    assert [name in sessions for name in (first, second, third)] == [False, True, True]


def test_a_removed_session_is_gone_and_removing_twice_is_no_error():
    sessions = Sessions(2, 60)
    name = sessions.create()
    sessions.remove(name)
    sessions.remove(name)
    assert name not in sessions
    assert "" not in sessions


def test_the_server_does_not_keep_the_names_themselves():
    sessions = Sessions(2, 60)
    name = sessions.create()
    assert len(name) >= 43
    assert name not in repr(vars(sessions))


def test_the_cookie_is_for_this_site_and_not_for_scripts():
    cookie = Sessions(1, 3600).cookie("abc", secure=False)
    assert cookie == f"{COOKIE}=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"
    assert Sessions(1, 3600).cookie("abc", secure=True).endswith("; Secure")
    assert "Max-Age=0" in removal_cookie(False)
