# shellcheck shell=bash disable=SC2034,SC2154
# (install.sh and its parts share variables, which shellcheck cannot see in one of them.)
# The Python environment: built beside the one in use, which it replaces when all is well.

# Sets `origin` (what pip is asked for) and `wheels`.
choose_source() {
    local checkout
    checkout=$(dirname "$here")
    if [ -z "$wheels" ] && has_own_wheel "$here"; then wheels=$here; fi
    if [ -n "$wheels" ]; then
        [ -d "$wheels" ] || fail "--wheels $wheels is not a folder"
        wheels=$(realpath "$wheels")
        has_own_wheel "$wheels" || fail "$wheels holds no wheel of edgeleuk; deploy/wheelhouse.sh makes a folder that does"
        origin=edgeleuk
    elif [ -f "$checkout/pyproject.toml" ] && [ -f "$checkout/edgeleuk/__init__.py" ]; then
        origin=$checkout
    else
        fail "no edgeleuk to install: give a folder of wheels (--wheels DIR), or run install.sh from a checkout's deploy folder"
    fi
}

has_own_wheel() { compgen -G "$1/edgeleuk-*.whl" >/dev/null; }

build_environment() {
    mkdir -p "$PROGRAM/versions"
    new=$PROGRAM/versions/$(date -u +%Y%m%dT%H%M%SZ).$$
    "$PYTHON" -m venv "$new" || fail "no virtual environment could be made in $new"
    scratch=$(mktemp -d "$PROGRAM/.scratch.XXXXXX")
    chmod 755 "$scratch"
    say "installing edgeleuk from ${wheels:-$origin} (a minute or so on a Pi)"
    if [ "$architecture" = armhf ]; then install_32_bit; else install_packages "$origin${web:+[web]}"; fi
}

# TMPDIR: /tmp may be a small disk in memory. --only-binary: what has no wheel would be compiled for hours, or fail late.
install_packages() {
    local index=(--retries 5 --timeout 60) log=$scratch/pip.log
    [ -z "$wheels" ] || index=(--isolated --no-index --find-links "$wheels")
    if ! TMPDIR=$scratch "$new/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir \
        --only-binary=:all: "${index[@]}" "$@" 2>"$log"; then
        sed 's/^/  pip: /' "$log" >&2
        name_what_is_missing
        fail "the packages could not be installed; what was installed before is unchanged"
    fi
}

name_what_is_missing() {
    local lacking
    [ -n "$wheels" ] || return 0
    lacking=$("$new/bin/python" -I "$here/lib/requirements.py" missing "$wheels" ${web:+--extra web} 2>/dev/null | paste -sd, -) || true
    [ -z "$lacking" ] || printf 'error: %s lacks, for this machine: %s. deploy/wheelhouse.sh --help tells how to make it whole\n' \
        "$wheels" "${lacking//,/, }" >&2
}

# On a 32-bit system a 64-bit kernel is usual, and pip then takes the markers of edgeleuk's requirements for those of a
# 64-bit machine. So they are worked out for armv7l and given to pip one by one.
install_32_bit() {
    local wanted
    install_packages --no-deps "$origin"
    wanted=$("$new/bin/python" -I "$here/lib/requirements.py" installed --machine armv7l ${web:+--extra web}) ||
        fail "the requirements of edgeleuk cannot be read"
    mapfile -t wanted <<<"$wanted"
    install_packages "${wanted[@]}"
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
    local tried=${model:-$DATA/model.tflite}
    cp -- "$tried" "$scratch/model.tflite" || fail "$tried cannot be copied"
    chmod 644 "$scratch/model.tflite"
    "$new/bin/python" -I -c 'import sys; from PIL import Image; Image.new("RGB", (450, 450)).save(sys.argv[1])' "$scratch/probe.bmp" ||
        fail "the new environment does not work: Pillow cannot be loaded (see above)"
    if ! as_nobody "$new/bin/edgeleuk" infer "$scratch/model.tflite" "$scratch/probe.bmp" >/dev/null 2>"$scratch/model.log"; then
        sed "s#$scratch/model.tflite#$tried#g; s/^/  edgeleuk: /" "$scratch/model.log" >&2
        fail "$tried is not a model that edgeleuk can run; what was installed before is unchanged"
    fi
    [ -z "$model" ] || model_copy=$scratch/model.tflite
}

as_nobody() { (cd / && HOME=/nonexistent setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs "$@" </dev/null); }

check_model_file() {
    [ -n "$model" ] || return 0
    [ -e "$model" ] || fail "model $model does not exist"
    if [ ! -f "$model" ] || [ ! -r "$model" ]; then fail "model $model is not a file that can be read"; fi
    # Bytes 4 to 7 of a TensorFlow Lite file. Cheap; check_model does it in earnest.
    [ "$(dd if="$model" bs=1 skip=4 count=4 status=none | tr -d '\0')" = TFL3 ] ||
        fail "$model is not a .tflite model ($(stat -Lc %s -- "$model") bytes); edgeleuk convert makes one"
}
