#!/usr/bin/env bash
# Builds a folder from which install.sh can install edgeleuk on a device without internet.
set -Eeuo pipefail
umask 022

deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$deploy")

usage() {
    cat <<'TEXT'
usage: wheelhouse.sh [--output DIR] [--python VERSION]... [--machine NAME] [--no-web]

Collects wheels of edgeleuk, built from this checkout, and of everything it needs on a device, with the installer beside
them. Copy the folder to the device and run there: sudo FOLDER/install.sh model.tflite

  --output DIR       folder to fill (default: wheelhouse)
  --python VERSION   Python of the device; may be given again (default: 3.11 and 3.13, Debian bookworm and trixie)
  --machine NAME     aarch64 (default), armv7l (32-bit, Python 3.11 at most) or x86_64
  --no-web           without what the page needs
  -h, --help         this text

Takes pip's own configuration. No wheels of NumPy and Pillow for armv7l are in Python's main package index; PIP_EXTRA_INDEX_URL
has to name one that has them, such as the one in a 32-bit Raspberry Pi OS's /etc/pip.conf.
TEXT
}

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
misused() { printf 'error: %s\n' "$*" >&2; usage >&2; exit 2; }

parse_arguments() {
    output=wheelhouse machine=aarch64 extra=web pythons=()
    while [ $# -gt 0 ]; do
        case $1 in
            --output | --python | --machine) [ -n "${2:-}" ] || misused "$1 needs a value" ;;&
            --output) output=$2; shift 2 ;;
            --python) pythons+=("$2"); shift 2 ;;
            --machine) machine=$2; shift 2 ;;
            --no-web) extra=; shift ;;
            -h | --help) usage; exit 0 ;;
            *) misused "unknown argument: $1" ;;
        esac
    done
    case $machine in
        aarch64 | x86_64) [ ${#pythons[@]} -gt 0 ] || pythons=(3.11 3.13) ;;
        armv7l) [ ${#pythons[@]} -gt 0 ] || pythons=(3.11) ;;
        *) misused "--machine is $machine; expected aarch64, armv7l or x86_64" ;;
    esac
    check_pythons
}

check_pythons() {
    local version
    for version in "${pythons[@]}"; do
        [[ $version =~ ^3\.1[1-3]$ ]] || misused "--python is $version; expected 3.11 to 3.13"
        if [ "$machine" = armv7l ] && [ "${version#3.}" -gt 11 ]; then
            misused "tflite-runtime, the interpreter for 32-bit systems, ends with Python 3.11; $version is too new"
        fi
    done
}

# The interpreter whose pip does the work; the development environment's, where there is one.
choose_python() {
    python=${PYTHON:-$checkout/.venv/bin/python}
    [ -x "$python" ] || python=python3
    "$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip; set PYTHON to one that has, or run make test once"
}

retry() {
    local attempt
    for attempt in 1 2 3; do
        if "$@"; then return 0; fi
        [ "$attempt" = 3 ] || { say "that failed; trying again in $((attempt * 5)) s"; sleep $((attempt * 5)); }
    done
    return 1
}

pip() { "$python" -m pip --disable-pip-version-check --no-input "$@"; }

# ask QUESTION VERSION: what lib/requirements.py says of the folder for that Python on the target.
ask() { "$python" "$deploy/lib/requirements.py" "$1" "$partial" --machine "$machine" --python "$2" ${extra:+--extra "$extra"}; }

# target_options VERSION: sets pip's options that choose wheels for the device instead of this machine.
target_options() {
    local tag=cp${1/./} name
    target=(--only-binary=:all: --implementation cp --python-version "$1" --abi "$tag" --abi abi3 --abi none)
    while read -r name; do target+=(--platform "$name"); done < <(ask platforms "$1")
}

download() {
    local version=$1; shift
    target_options "$version"
    retry pip download --quiet --retries 5 --timeout 60 "${target[@]}" --dest "$partial" "$@" ||
        fail "not every wheel for $machine, Python $version, could be had (see above); wanted: $*"
}

# pip evaluates markers for this machine, not for the device: what it left out is asked for by name until nothing is missing.
collect() {
    local version=$1 wanted
    mapfile -t wanted < <(ask direct "$version")
    [ ${#wanted[@]} -gt 0 ] || fail "the requirements of edgeleuk's wheel cannot be read"
    for _ in 1 2 3 4 5; do
        download "$version" "${wanted[@]}"
        mapfile -t wanted < <(ask missing "$version")
        [ ${#wanted[@]} -gt 0 ] || return 0
    done
    fail "still missing for $machine, Python $version: ${wanted[*]}"
}

# The proof: pip itself resolves the whole set for the device from the folder alone. Its check of Requires-Python would be
# for this machine's Python; the download has made it for the device's.
prove() {
    local version=$1 wanted
    mapfile -t wanted < <(ask direct "$version")
    target_options "$version"
    pip install --quiet --dry-run --isolated --ignore-requires-python --no-index --find-links "$partial" "${target[@]}" --target "$partial/.none" \
        "${wanted[@]}" || fail "the folder does not suffice for $machine, Python $version"
    rm -rf "$partial/.none"
}

add_installer() {
    cp "$deploy/install.sh" "$partial/"
    cp -R "$deploy/lib" "$deploy/systemd" "$partial/"
    rm -rf "$partial/lib/__pycache__"
}

# An older wheelhouse is replaced as a whole; anything else that lies there is left alone.
publish() {
    if [ -e "$output" ] && [ -n "$(ls -A "$output")" ]; then
        compgen -G "$output/edgeleuk-*.whl" >/dev/null || fail "$output is not a wheelhouse; choose another --output or remove it"
        rm -rf "$output"
    fi
    mkdir -p "$output" && rmdir "$output"
    chmod 755 "$partial"
    mv "$partial" "$output"
}

list() {
    (cd "$output" && du -h --apparent-size -- *.whl | sort -k2)
    say "$output: $(find "$output" -name '*.whl' | wc -l) wheels, $(du -sh --apparent-size "$output" | cut -f1), for $machine, Python ${pythons[*]}"
}

main() {
    parse_arguments "$@"
    choose_python
    mkdir -p "$(dirname "$output")"
    partial=$(mktemp -d "$(dirname "$output")/.wheelhouse.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    retry pip wheel --quiet --retries 5 --timeout 60 --no-deps --wheel-dir "$partial" "$checkout" || fail "edgeleuk's own wheel could not be built"
    local version
    for version in "${pythons[@]}"; do collect "$version"; done
    for version in "${pythons[@]}"; do prove "$version"; done
    add_installer
    publish
    list
}

main "$@"
