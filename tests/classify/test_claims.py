"""Of several files of one content one is classified."""

import threading

from edgeleuk.classify.claims import Claims

KEY = ("content", "model")


def test_who_comes_second_waits_for_the_first_and_has_what_it_found():
    claims, seen = Claims(), []
    claim, own = claims.claim(KEY)
    assert own
    second = threading.Thread(target=lambda: seen.append(claims.claim(KEY)))
    second.start()
    assert seen == []
    claims.fulfil(claim, "a prediction")
    second.join(30)
    assert seen == [(claim, False)]
    assert seen[0][0].prediction == "a prediction"


def test_what_came_to_nothing_is_tried_by_whoever_waits():
    claims, seen = Claims(), []
    claim, _ = claims.claim(KEY)
    second = threading.Thread(target=lambda: seen.append(claims.claim(KEY)))
    second.start()
    claims.give_up(KEY, claim)
    second.join(30)
    [(again, own)] = seen
    assert own
    assert again is not claim


def test_other_contents_and_models_wait_for_nobody():
    claims = Claims()
    assert all(claims.claim(key)[1] for key in (KEY, ("other", "model"), ("content", "other")))


def test_memory_does_not_grow_with_the_contents():
    claims = Claims()
    for number in range(1000):
        claims.claim((str(number), "model"))
    assert len(claims._claims) < 300
