# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# The Python environment: built beside the one in use, which it replaces when all is well.

# Sets `wheels`, or `origin`: a checkout, or where `packed` the package of an edgeleuk that pip has installed.
choose_source() {
    local around
    packed=
    around=$(dirname "$here")
    if [ -z "$wheels" ] && has_own_wheel "$here"; then wheels=$here; fi
    if [ -n "$wheels" ]; then
        [ -d "$wheels" ] || fail "--wheels $wheels is not a folder"
        wheels=$(realpath "$wheels")
        has_own_wheel "$wheels" || fail "$wheels holds no wheel of edgeleuk; deploy/wheelhouse.sh makes a folder that does"
        check_sums
    elif [ -f "$around/pyproject.toml" ] && [ -f "$around/edgeleuk/__init__.py" ]; then
        origin=$around
    elif [ -f "$around/bench/wheel.py" ]; then
        origin=$around packed=yes
    else
        fail "no edgeleuk to install: give a folder of wheels (--wheels DIR), or run install.sh from a checkout's deploy folder"
    fi
}

# What was damaged on the way from wheelhouse.sh to here is not installed.
check_sums() {
    [ -f "$wheels/SHA256SUMS" ] || return 0
    (cd "$wheels" && sha256sum --quiet --ignore-missing --check SHA256SUMS >&2) ||
        fail "$wheels is not as it was made (see above); copy it again"
}

has_own_wheel() { compgen -G "$1/edgeleuk-*.whl" >/dev/null; }

build_environment() {
    mkdir -p "$PROGRAM/versions"
    new=$PROGRAM/versions/$(date -u +%Y%m%dT%H%M%SZ).$$
    "$PYTHON" -m venv "$new" || fail "no virtual environment could be made in $new"
    scratch=$(mktemp -d "$PROGRAM/.scratch.XXXXXX")
    chmod 755 "$scratch"
    say "installing edgeleuk from ${wheels:-$origin} (a minute or so on a Pi)"
    install_locked
    install_own
    check_packages
}

# Versions and hashes of all packages are those of locked/, which lock.py writes from pyproject.toml and constraints.txt.
# On 32-bit systems wheels of NumPy, Pillow and OpenCV come from another index, at versions and with hashes of its own: those
# pip chooses. A 64-bit kernel is usual there, and pip then takes the markers of requirements for those of a 64-bit machine:
# so the files in locked/32-bit have none, and name everything.
install_locked() {
    local from=$here/locked chosen=() name
    if [ "$architecture" = armhf ]; then from+=/32-bit; else chosen=(--require-hashes --no-deps); fi
    for name in base ${web:+web} ${extras:+"$extras"}; do chosen+=(-r "$from/$name.txt"); done
    install_packages "$new" "${chosen[@]}"
}

# Not on a 32-bit system, where it would miss what a 64-bit one needs, for the same reason.
check_packages() {
    [ "$architecture" != armhf ] || return 0
    "$new/bin/python" -I -m pip --disable-pip-version-check check >"$scratch/pip.log" 2>&1 || {
        sed 's/^/  pip: /' "$scratch/pip.log" >&2
        fail "the packages do not go together; what was installed before is unchanged"
    }
}

# edgeleuk itself: the newest wheel of a wheelhouse, or one that is built from the checkout by what locked/build.txt names, or
# packed from what is installed.
install_own() {
    local own=$scratch/own
    if [ -n "$wheels" ]; then
        own=$wheels
    elif [ -n "$packed" ]; then
        mkdir "$own"
        PYTHONPATH=$(dirname "$origin") "$PYTHON" -B -P -m edgeleuk.bench.wheel "$own" ||
            fail "edgeleuk's own wheel could not be packed (see above)"
    else
        "$PYTHON" -m venv "$scratch/build" || fail "no virtual environment could be made in $scratch"
        install_packages "$scratch/build" --require-hashes --no-deps -r "$here/locked/build.txt"
        TMPDIR=$scratch "$scratch/build/bin/python" -I -m pip wheel --quiet --disable-pip-version-check --no-cache-dir --no-deps \
            --no-build-isolation --wheel-dir "$own" "$origin" || fail "edgeleuk's own wheel could not be built (see above)"
    fi
    install_packages "$new" --no-deps "$(printf '%s\n' "$own"/edgeleuk-*.whl | sort -V | tail -n 1)"
}

# install_packages ENVIRONMENT PIP-ARGUMENT...
# TMPDIR: /tmp may be a small disk in memory. --only-binary: what has no wheel would be compiled for hours, or fail late.
install_packages() {
    local environment=$1 index=(--retries 5 --timeout 60) log=$scratch/pip.log
    shift
    [ -z "$wheels" ] || index=(--isolated --no-index --find-links "$wheels")
    if ! TMPDIR=$scratch "$environment/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir \
        --only-binary=:all: "${index[@]}" "$@" 2>"$log"; then
        sed 's/^/  pip: /' "$log" >&2
        name_what_is_missing
        fail "the packages could not be installed; what was installed before is unchanged"
    fi
}

name_what_is_missing() {
    local lacking
    [ -n "$wheels" ] || return 0
    lacking=$(sed -n 's/^ERROR: No matching distribution found for \([^ ]*\).*/\1/p' "$scratch/pip.log" | head -n 1)
    [ -z "$lacking" ] || printf 'error: %s lacks, for this machine: %s. deploy/wheelhouse.sh --help tells how to make it whole\n' \
        "$wheels" "$lacking" >&2
}

# digest ENVIRONMENT: of all files that could make a program behave differently; names the Python, too.
digest() {
    [ -x "$1/bin/python" ] || { printf 'none'; return; }
    local site
    site=$("$1/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || site=
    [ -d "$site" ] || { printf 'none'; return; } # of a Python that the system no longer has
    {
        "$1/bin/python" -I -VV
        cd "$site" && find . -type f ! -name '*.pyc' ! -name RECORD ! -name REQUESTED ! -name direct_url.json -print0 |
            sort -z | xargs -0 sha256sum
    } | sha256sum
}

# The model is tried as it will be used, before it is put where the services read it: with the new environment, on an image,
# and not as root, for a file from elsewhere is not to be trusted.
check_model() {
    model_copy=
    local tried=${model:-$MODEL}
    if [ -z "$model" ] && [ ! -e "$MODEL" ]; then
        tried=$OLD_MODEL
        take_old_model
    else
        cp -- "$tried" "$scratch/model.tflite" || fail "$tried cannot be copied"
    fi
    chmod 644 "$scratch/model.tflite"
    "$new/bin/python" -I -c 'import sys; from PIL import Image; Image.new("RGB", (450, 450)).save(sys.argv[1])' "$scratch/probe.bmp" ||
        fail "the new environment does not work: Pillow cannot be loaded (see above)"
    if ! as_nobody "$new/bin/edgeleuk" infer "$scratch/model.tflite" "$scratch/probe.bmp" >/dev/null 2>"$scratch/model.log"; then
        sed "s#$scratch/model.tflite#$tried#g; s/^/  edgeleuk: /" "$scratch/model.log" >&2
        fail "$tried is not a model that edgeleuk can run; what was installed before is unchanged"
    fi
    [ "$tried" = "$MODEL" ] || model_copy=$scratch/model.tflite
}

# Before, the model lay in the folder of the services' user, who can put a link in its place: taken from there is only what root
# alone can have put there. One descriptor is opened, looked at and read.
take_old_model() {
    "$PYTHON" -I - "$OLD_MODEL" "$scratch/model.tflite" <<'PYTHON' || fail "$OLD_MODEL is not the file that install.sh put there; give the model: install.sh MODEL"
import os, shutil, stat, sys

handle = os.open(sys.argv[1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
found = os.fstat(handle)
if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_nlink != 1:
    sys.exit(1)
with os.fdopen(handle, "rb") as source, open(sys.argv[2], "xb") as target:
    shutil.copyfileobj(source, target)
PYTHON
}

as_nobody() { (cd / && HOME=/nonexistent setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs "$@" </dev/null); }

check_model_file() {
    if [ -z "$model" ]; then
        [ -e "$MODEL" ] || ! [ -L "$OLD_MODEL" ] || fail "$OLD_MODEL is a link, which is not followed; give the model: install.sh MODEL"
        return 0
    fi
    [ -e "$model" ] || fail "model $model does not exist"
    if [ ! -f "$model" ] || [ ! -r "$model" ]; then fail "model $model is not a file that can be read"; fi
    # Bytes 4 to 7 of a TensorFlow Lite file. Cheap; check_model does it in earnest.
    [ "$(dd if="$model" bs=1 skip=4 count=4 status=none | tr -d '\0')" = TFL3 ] ||
        fail "$model is not a .tflite model ($(stat -Lc %s -- "$model") bytes); edgeleuk convert makes one"
}
