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

# Versions and hashes are those of locked/: what an index or the way to it changed is refused.
collect_locked() {
    local version=$1 wanted
    "$python" "$deploy/lib/requirements.py" locked "$deploy/locked" --machine "$machine" --python "$version" \
        ${extra:+--extra "$extra"} >"$build/locked.txt" || fail "$deploy/locked cannot be read"
    download "$version" --require-hashes --no-deps --requirement "$build/locked.txt"
    mapfile -t wanted < <(ask missing "$version")
    [ ${#wanted[@]} -eq 0 ] || fail "$deploy/locked lacks ${wanted[*]}; deploy/lib/lock.py writes it anew"
}

# edgeleuk's own wheel, built by what locked/ names instead of by whatever is the newest.
build_wheel() {
    local builder=$build/venv/bin/python failed="edgeleuk's own wheel could not be built"
    "$python" -m venv "$build/venv" || fail "$python cannot make a virtual environment"
    retry "$builder" -m pip --disable-pip-version-check --no-input install --quiet --retries 5 --timeout 60 --only-binary=:all: \
        --require-hashes --no-deps --requirement "$deploy/locked/build.txt" || fail "$failed"
    "$builder" -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir "$partial" "$checkout" ||
        fail "$failed"
}

# On 32-bit systems wheels come from another index, with hashes and partly versions of its own. pip evaluates markers for this
# machine, not for the device: what it left out is asked for by name until nothing is missing.
collect_32_bit() {
    local version=$1 wanted
    mapfile -t wanted < <(ask direct "$version")
    [ ${#wanted[@]} -gt 0 ] || fail "the requirements of edgeleuk's wheel cannot be read"
    for _ in 1 2 3 4 5; do
        download "$version" --constraint "$deploy/locked/32-bit.txt" "${wanted[@]}"
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
    cp -R "$deploy/lib" "$deploy/systemd" "$deploy/locked" "$partial/"
    rm -rf "$partial/lib/__pycache__"
    (cd "$partial" && find . -type f -print0 | sort -z | xargs -0 sha256sum >"$build/SHA256SUMS")
    cp "$build/SHA256SUMS" "$partial/"
}

# An older wheelhouse is replaced as a whole; anything else that lies there is left alone.
check_output() {
    [ ! -e "$output" ] || [ -z "$(ls -A "$output")" ] || compgen -G "$output/edgeleuk-*.whl" >/dev/null ||
        fail "$output is not a wheelhouse; choose another --output or remove it"
}

publish() {
    check_output
    rm -rf "$output"
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
    check_output
    choose_python
    mkdir -p "$(dirname "$output")"
    partial=$(mktemp -d "$(dirname "$output")/.wheelhouse.XXXXXX")
    build=$(mktemp -d "$(dirname "$output")/.wheelhouse.XXXXXX")
    trap 'rm -rf "$partial" "$build"' EXIT
    build_wheel
    local version
    for version in "${pythons[@]}"; do
        if [ "$machine" = armv7l ]; then collect_32_bit "$version"; else collect_locked "$version"; fi
    done
    for version in "${pythons[@]}"; do prove "$version"; done
    add_installer
    publish
    list
}

main "$@"
