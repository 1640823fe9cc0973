"""Where the token comes from."""

import base64
import hashlib

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.web.tokens import find_token

TOKEN = "nq3V-x81_Zr0kTd2wM"


def written(path, text):
    path.write_bytes(text.encode())
    return path


def test_there_need_be_none():
    assert find_token(None, {}) is None


def test_a_file_comes_before_the_environment_and_that_before_the_credential(tmp_path):
    written(tmp_path / "token", "systemd-has-a-credential")
    environment = {"EDGELEUK_TOKEN": "a-variable-of-the-shell", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    file = written(tmp_path / "file", f"{TOKEN}\n")
    assert find_token(file, environment) == TOKEN
    assert find_token(None, environment) == "a-variable-of-the-shell"
    del environment["EDGELEUK_TOKEN"]
    assert find_token(None, environment) == "systemd-has-a-credential"


def test_a_credentials_directory_without_a_token_is_none(tmp_path):
    assert find_token(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 513, "sixteen letters and spaces", "sechzehn-zeichen-ü", "a\n" * 20]
)
def test_a_token_that_is_none_is_refused_and_not_shown(tmp_path, text):
    with pytest.raises(UsageError) as caught:
        find_token(written(tmp_path / "file", text), {})
    assert str(tmp_path / "file") in str(caught.value)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_an_empty_variable_is_a_mistake_and_not_no_token():
    with pytest.raises(UsageError, match="EDGELEUK_TOKEN has 0 characters"):
        find_token(None, {"EDGELEUK_TOKEN": ""})


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        find_token(tmp_path / "absent", {"EDGELEUK_TOKEN": TOKEN})


@pytest.mark.parametrize(
    "text",
    [
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "passwordpassword",
        "0123456789abcdef",
        "9876543210fedcba",
        "qwertzuiopasdfgh",
        "1234567890qwerty",
        "ABCDEFGHIJKLMNOP",
    ],
)
def test_a_token_that_is_easy_to_guess_is_refused(text):
    with pytest.raises(UsageError, match="easy to guess"):
        find_token(None, {"EDGELEUK_TOKEN": text})


def test_random_tokens_are_taken():
    for number in range(200):
        text = base64.urlsafe_b64encode(hashlib.sha256(bytes([number])).digest())[:20].decode()
        assert find_token(None, {"EDGELEUK_TOKEN": text}) == text
