#!/usr/bin/env bash
# Builds a folder from which install.sh can install edgeleuk on a device without internet.
set -Eeuo pipefail
umask 022

deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$deploy")
readonly GLIBC=36 # Debian bookworm's is 2.36

usage() {
    cat <<'TEXT'
usage: wheelhouse.sh [--output DIR] [--python VERSION]... [--machine NAME] [--extras NAME] [--no-web]

Collects wheels of edgeleuk, built from this checkout, and of everything it needs on a device, with the installer beside
them. Copy the folder to the device and run there: sudo FOLDER/install.sh model.tflite

  --output DIR       folder to fill (default: wheelhouse)
  --python VERSION   Python of the device; may be given again (default: 3.11 and 3.13, Debian bookworm and trixie)
  --machine NAME     aarch64 (default), armv7l (32-bit, Python 3.11 at most) or x86_64
  --extras NAME      with what install.sh --extras NAME needs: camera (OpenCV)
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
    output=wheelhouse machine=aarch64 web=yes extras='' pythons=()
    while [ $# -gt 0 ]; do
        case $1 in
            --output | --python | --machine | --extras) [ -n "${2:-}" ] || misused "$1 needs a value" ;;&
            --output) output=$2; shift 2 ;;
            --python) pythons+=("$2"); shift 2 ;;
            --machine) machine=$2; shift 2 ;;
            --extras) extras=$2; shift 2 ;;
            --no-web) web=; shift ;;
            -h | --help) usage; exit 0 ;;
            *) misused "unknown argument: $1" ;;
        esac
    done
    case $machine in
        aarch64 | x86_64) [ ${#pythons[@]} -gt 0 ] || pythons=(3.11 3.13) ;;
        armv7l) [ ${#pythons[@]} -gt 0 ] || pythons=(3.11) ;;
        *) misused "--machine is $machine; expected aarch64, armv7l or x86_64" ;;
    esac
    [ -z "$extras" ] || [ "$extras" = camera ] || misused "--extras is $extras; expected camera"
    names=(base ${web:+web} ${extras:+"$extras"})
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

# target_options VERSION: sets pip's options that choose wheels for the device instead of this machine.
target_options() {
    local minor
    target=(--only-binary=:all: --implementation cp --python-version "$1" --abi "cp${1/./}" --abi abi3 --abi none)
    for ((minor = GLIBC; minor >= 17; minor--)); do target+=(--platform "manylinux_2_${minor}_$machine"); done
    target+=(--platform "manylinux2014_$machine" --platform "linux_$machine")
}

# What locked/ names for the device. Of a 64-bit one versions and hashes are held: what an index or the way to it changed is
# refused. On 32-bit systems wheels come from another index, with hashes and partly versions of its own, which pip chooses.
collect() {
    local version=$1 from=$deploy/locked wanted=() name
    if [ "$machine" = armv7l ]; then from+=/32-bit; else wanted=(--require-hashes --no-deps); fi
    for name in "${names[@]}"; do wanted+=(--requirement "$from/$name.txt"); done
    target_options "$version"
    retry pip download --quiet --retries 5 --timeout 60 "${target[@]}" --dest "$partial" "${wanted[@]}" ||
        fail "not every wheel for $machine, Python $version, could be had (see above)"
}

# edgeleuk's own wheel, built by what locked/ names instead of by whatever is the newest.
build_wheel() {
    local failed="edgeleuk's own wheel could not be built"
    builder=$build/venv/bin/python
    "$python" -m venv "$build/venv" || fail "$python cannot make a virtual environment"
    retry "$builder" -m pip --disable-pip-version-check --no-input install --quiet --retries 5 --timeout 60 --only-binary=:all: \
        --require-hashes --no-deps --requirement "$deploy/locked/build.txt" --requirement "$deploy/locked/uv.txt" || fail "$failed"
    "$builder" -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir "$partial" "$checkout" ||
        fail "$failed"
}

# The proof that locked/ is not behind pyproject.toml: uv resolves edgeleuk for the device from the folder alone, with markers
# and tags of the device. It knows no 32-bit ARM; there the tests hold the two files together, and pip has resolved already.
prove() {
    [ "$machine" != armv7l ] || return 0
    local version=$1 wanted
    wanted=$(IFS=, && printf '%s' "${names[*]:1}")
    printf 'edgeleuk%s\n' "${wanted:+[$wanted]}" | "$builder" -m uv pip compile --quiet --no-config --python "$builder" --no-index \
        --find-links "$partial" --only-binary=:all: --python-platform "$machine-manylinux_2_$GLIBC" --python-version "$version" - >/dev/null ||
        fail "the folder does not suffice for $machine, Python $version: deploy/lock.py writes deploy/locked anew"
}

add_installer() {
    cp "$deploy/install.sh" "$partial/"
    cp -R "$deploy/lib" "$deploy/systemd" "$deploy/locked" "$partial/"
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
    for version in "${pythons[@]}"; do collect "$version"; done
    for version in "${pythons[@]}"; do prove "$version"; done
    add_installer
    publish
    list
}

main "$@"
