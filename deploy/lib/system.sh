# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# What the machine must be and have. Nothing here changes it, except that ensure_packages may install python3-venv.

readonly PYTHON=/usr/bin/python3
readonly OLDEST_GLIBC=2.34          # what LiteRT's and tflite-runtime's libraries are linked against
readonly PROGRAM_MIB=500 DATA_MIB=50 # environments take 200 MiB: the old one, the new one, and pip's own files

take_lock() {
    mkdir -p /run/lock
    exec 9>/run/lock/edgeleuk-install.lock
    flock -n 9 || fail "another install.sh is at work; try again when it has ended"
}

has_running_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

# newer A B: whether version A is at least B.
newer() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

check_system() {
    [ "$(uname -s)" = Linux ] || fail "this is $(uname -s); edgeleuk's services need Linux"
    check_debian
    check_glibc
    check_processor
}

check_debian() {
    local name=unknown family=''
    if [ -r /etc/os-release ]; then
        # shellcheck disable=SC1091 # (a file of the system)
        name=$(. /etc/os-release && printf '%s' "${PRETTY_NAME:-unknown}")
        # shellcheck disable=SC1091
        family=$(. /etc/os-release && printf ' %s %s ' "${ID:-}" "${ID_LIKE:-}")
    fi
    case $family in
        *' debian '* | *' raspbian '*) ;;
        *) fail "this system is '$name'; expected Raspberry Pi OS or another Debian. Elsewhere: install the wheel with pip, and
       take the units in deploy/systemd as a model" ;;
    esac
    command -v dpkg >/dev/null || fail "dpkg is missing, so this is no usual Debian"
}

check_glibc() {
    local libc
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || fail "the C library is not glibc, and no interpreter has wheels for another"
    newer "${libc#glibc }" "$OLDEST_GLIBC" ||
        fail "$libc is too old: the interpreter needs $OLDEST_GLIBC, Debian or Raspberry Pi OS 12 (bookworm) or newer"
}

check_processor() {
    architecture=$(dpkg --print-architecture)
    case $architecture in
        arm64 | amd64) ;;
        armhf) [ "$(uname -m)" != armv6l ] || fail "this board's processor is ARMv6 (Pi 1, Pi Zero); no interpreter has a wheel for it" ;;
        *) fail "architecture $architecture: interpreters have wheels for arm64, amd64 and armhf only" ;;
    esac
}

check_python() {
    local version
    version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "$PYTHON does not run"
    newer "$version" 3.11 || fail "Python $version is too old; expected 3.11 to 3.13 (Debian bookworm has 3.11, trixie 3.13)"
    ! newer "$version" 3.14 || fail "Python $version is too new; expected 3.11 to 3.13"
    if [ "$architecture" = armhf ] && newer "$version" 3.12; then
        fail "32-bit system with Python $version: its only interpreter, tflite-runtime, ends with Python 3.11. Install the 64-bit
       Raspberry Pi OS (any Pi 3 or later), or the 32-bit one of Debian 12 (bookworm)"
    fi
}

has_venv() { [ -x "$PYTHON" ] && "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }

ensure_packages() {
    if ! has_venv; then
        say "installing Debian's python3-venv, which is missing"
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends python3-venv \
            >/dev/null || fail "python3-venv could not be installed: connect to the internet and run apt-get update first, or
       install its .deb files by hand (python3-venv, and what it names)"
        has_venv || fail "$PYTHON has no venv even with python3-venv installed"
    fi
    check_python
}

# free_mib PATH: MiB free where PATH is or will be.
free_mib() {
    local place=$1
    while [ ! -e "$place" ]; do place=$(dirname "$place"); done
    df --output=avail -B 1M -- "$place" | tail -n 1 | tr -d ' '
}

check_space() {
    local place wanted available
    for place in "$PROGRAM:$PROGRAM_MIB" "$DATA:$DATA_MIB"; do
        wanted=${place#*:} place=${place%:*}
        available=$(free_mib "$place")
        [ "$available" -ge "$wanted" ] || fail "$available MiB are free for $place; expected at least $wanted MiB. Free some space first"
    done
}
