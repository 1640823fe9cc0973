#!/usr/bin/env bash
# Makes a Raspberry Pi's 64-bit userland to run Python in, under user-mode QEMU; see EMULATE.md beside this file.
set -euo pipefail
shopt -s nullglob

usage() {
    cat <<'USAGE'
Usage: emulate.sh [--suite bookworm|trixie] [--mirror URL] [DIR]

Makes the userland of 64-bit Raspberry Pi OS (Debian arm64) in DIR and prints DIR; what is there already is kept as
long as it would be made the same way. Then:

    DIR/litert/python SCRIPT ...            Python with the base install of edgeleuk and LiteRT
    DIR/tflite-runtime/python SCRIPT ...    the same with tflite-runtime and NumPy < 2 (bookworm only)
    QEMU_CPU=cortex-a76 DIR/litert/python   another core; cortex-a72 (Pi 4) is the default, Pi 5 has a76, Pi 3 a53
    DIR/system/run qemu-system-aarch64 ...  the emulator of whole systems (and cpio), with a kernel, DIR/system/vmlinuz

Needs apt, dpkg-deb, tar and python3 with pip, and what their settings reach; no root. Nothing is installed on this
machine. DIR is by default below ${XDG_CACHE_HOME:-~/.cache}/edgeleuk/emulate.

  --suite NAME   bookworm (Python 3.11, the default) or trixie (Python 3.13)
  --mirror URL   a Debian mirror, where this machine's apt has none (Ubuntu)

Exit codes: 0 done, 2 wrong use, 75 packages or tools cannot be had here. EDGELEUK_TRIES is how often a download is
tried, 4 by default.
USAGE
}

readonly UNAVAILABLE=75 # EX_TEMPFAIL of sysexits.h
# bookworm's QEMU 7.2 shows the host's /proc/cpuinfo, on which LiteRT stops, and its "max" core computes wrong results.
readonly QEMU_SUITE=trixie
readonly TFLITE_RUNTIME='tflite-runtime==2.14.0' # the last release, wheels up to Python 3.11
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
project=$(dirname "$here")

say() { printf '%s\n' "$*" >&2; }
wrong_use() { say "emulate.sh: $*"; say "Try emulate.sh --help."; exit 2; }
unavailable() {
    say '' '' "======== NO EMULATED PI: $* ========"
    say "The emulated userland was not made; whatever depends on it did not run."
    exit "$UNAVAILABLE"
}

suite=bookworm mirror='' dir=''
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --suite) [ $# -ge 2 ] || wrong_use "--suite needs a name"; suite=$2; shift 2 ;;
        --mirror) [ $# -ge 2 ] || wrong_use "--mirror needs an address"; mirror=$2; shift 2 ;;
        -*) wrong_use "unknown option $1" ;;
        *) [ -z "$dir" ] || wrong_use "one DIR only, got $dir and $1"; dir=$1; shift ;;
    esac
done
case $suite in
    bookworm) python_version=3.11 glibc=36 backends=(litert tflite-runtime) ;;
    trixie) python_version=3.13 glibc=41 backends=(litert) ;;
    *) wrong_use "suite is $suite; expected bookworm or trixie" ;;
esac
tries=${EDGELEUK_TRIES:-4}
[[ $tries =~ ^[1-9][0-9]?$ ]] || wrong_use "EDGELEUK_TRIES is $tries; expected 1 to 99"

for tool in apt-get apt-config dpkg dpkg-deb tar python3 sha256sum realpath; do
    [ -n "$(type -P "$tool")" ] || unavailable "this machine has no $tool"
done
python3 -m pip --version >/dev/null 2>&1 || unavailable "this machine's python3 has no pip"

sources() { # sources SUITE: the archives of this machine's apt, for another suite
    local list='' parts=''
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    python3 "$here/emulation/debian_sources.py" "$1" --list "$list" --parts "$parts" ${mirror:+--mirror "$mirror"}
}
# The parts of pyproject.toml that decide what is installed.
dependencies() { sed -n '/^dependencies = \[/,/^\]/p; /^requires-python/p' "$project/pyproject.toml"; }

sources "$suite" >/dev/null || unavailable "apt is set up with no Debian archive; name a mirror with --mirror"
digest=$({
    echo "$suite $(dpkg --print-architecture)"
    sources "$suite"
    dependencies
    cat "$project/constraints.txt" "$here/emulate.sh" "$here/emulation/debian_sources.py"
} | sha256sum | cut -c1-12)
dir=$(realpath -m "${dir:-${XDG_CACHE_HOME:-$HOME/.cache}/edgeleuk/emulate/$suite-$digest}")
if [ "$(cat "$dir/made-from" 2>/dev/null)" = "$digest" ]; then
    echo "$dir"
    exit 0
fi
if [ -e "$dir" ] && [ ! -e "$dir/made-from" ] && [ -n "$(ls -A "$dir" 2>&1)" ]; then
    wrong_use "$dir exists and is none of mine; name another DIR"
fi

# Built beside its place, then renamed.
mkdir -p "$(dirname "$dir")"
for left in "$dir".partial.*; do # by builds that were killed
    [ -d "/proc/${left##*.}" ] || rm -rf "$left"
done
partial=$dir.partial.$$
making=()
clean_up() {
    if [ ${#making[@]} -gt 0 ]; then kill "${making[@]}" 2>/dev/null || true; fi
    wait
    rm -rf "$partial"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$partial/root" "$partial/work"
log=$partial/work/log

step() { # step TEXT COMMAND...: with retries and back-off; gives up on everything when the last try failed
    local text=$1 try started=$SECONDS; shift
    for ((try = 1; ; try++)); do
        if "$@" >"$log" 2>&1; then break; fi
        [ "$try" -lt "$tries" ] || { tail -n 20 "$log" >&2; unavailable "$text failed $try times"; }
        say "emulate.sh: $text failed, try $try of $tries; again in $((5 * 3 ** (try - 1))) s"
        sleep $((5 * 3 ** (try - 1)))
    done
    say "emulate.sh: $text: $((SECONDS - started)) s"
}

# apt with a state of its own and the machine's settings (proxies, passwords), some of which clean up or inform others.
apt_prepare() { # apt_prepare NAME SUITE ARCHITECTURE
    local state=$partial/work/$1 parts='' main=''
    mkdir -p "$state"/{parts,state/lists/partial,cache/archives/partial}
    : >"$state/status"
    sources "$2" >"$state/debian.sources"
    eval "$(apt-config shell parts Dir::Etc::parts/d main Dir::Etc::main/f)"
    for file in "$parts"/*; do ln -s "$file" "$state/parts/"; done
    if [ -f "$main" ]; then ln -s "$main" "$state/parts/yy-main.conf"; fi
    cat >"$state/parts/zz-emulate.conf" <<CONF
APT::Architecture "$3";
#clear APT::Architectures;
APT::Architectures { "$3"; };
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$state/state";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$state/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
    { if [ -n "${APT_CONFIG:-}" ]; then cat "$APT_CONFIG"; fi
      printf 'Dir::Etc::parts "%s";\nDir::Etc::main "/dev/null";\n' "$state/parts"; } >"$state/apt.conf"
}
apt_fetch() { # apt_fetch NAME apt-get-arguments: one archive that fails does not matter as long as the packages come
    (cd "$partial/work/$1" && shift && export APT_CONFIG=$PWD/apt.conf &&
        { apt-get -q update || true; } && apt-get -q -y "$@")
}

apt_prepare userland "$suite" arm64
step "packages of $suite arm64" apt_fetch userland install --download-only python3 libstdc++6
apt_prepare qemu "$QEMU_SUITE" "$(dpkg --print-architecture)"
step "QEMU of $QEMU_SUITE" apt_fetch qemu install --download-only qemu-user qemu-system-arm cpio
kernel=$(APT_CONFIG=$partial/work/userland/apt.conf apt-cache depends linux-image-cloud-arm64 |
    sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
step "kernel of $suite" apt_fetch userland download "$kernel"

for package in "$partial"/work/userland/cache/archives/*.deb; do dpkg-deb -x "$package" "$partial/root"; done
for name in bin lib sbin; do # trixie's packages leave these links to one that is not needed otherwise
    [ -e "$partial/root/$name" ] || ln -s "usr/$name" "$partial/root/$name"
done
rm -rf "$partial"/root/usr/share/{doc,info,locale,man}
dpkg-deb --fsys-tarfile "$partial"/work/qemu/cache/archives/qemu-user_*.deb |
    tar -x -C "$partial" --strip-components=3 ./usr/bin/qemu-aarch64

# A kernel, and the emulator of whole systems with all libraries of its release, down to the dynamic loader.
system=$partial/system
mkdir "$system"
for package in "$partial"/work/qemu/cache/archives/*.deb; do dpkg-deb -x "$package" "$partial/work/system"; done
mkdir "$system/bin" "$system/lib"
mv "$partial"/work/system/usr/bin/{qemu-system-aarch64,cpio} "$system/bin/"
mv "$partial"/work/system/usr/lib/*-linux-gnu/*.so* "$system/lib/"
dpkg-deb --fsys-tarfile "$partial"/work/userland/linux-image-*.deb |
    tar -x -C "$system" --strip-components=2 --wildcards './boot/vmlinuz-*'
mv "$system"/vmlinuz-* "$system/vmlinuz"
cat >"$system/run" <<'WRAPPER'
#!/bin/sh
# run PROGRAM ARGUMENTS...: one of bin/, which this machine need not have the libraries for
here=$(dirname "$(realpath "$0")")
program=$1 && shift
for loader in "$here"/lib/ld-linux-*; do break; done
exec "$loader" --library-path "$here/lib" "$here/bin/$program" "$@"
WRAPPER
chmod +x "$system/run"

# Python packages are fetched by this machine's pip and installed by the emulated one.
platforms=(--platform manylinux2014_aarch64)
for ((minor = 17; minor <= glibc; minor++)); do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
fetch_wheels() { # fetch_wheels DIR pip-arguments
    local to=$1; shift
    python3 -m pip download --quiet --disable-pip-version-check --timeout 60 --retries 5 --dest "$to" \
        --only-binary :all: --implementation cp --python-version "$python_version" "${platforms[@]}" "$@"
}
build_wheel() { # what the wheel declares decides on what is fetched
    python3 -m pip wheel --quiet --disable-pip-version-check --timeout 60 --retries 5 --no-deps \
        --wheel-dir "$partial/work/project" "$project"
}
step "the project's wheel" build_wheel
grep -v -i '^numpy==' "$project/constraints.txt" >"$partial/work/constraints-numpy-1.txt"
step "pip" fetch_wheels "$partial/work/tools" --no-deps pip
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
    --no-compile --target "$partial/pip" "$partial"/work/tools/pip-*.whl

wheel_of_project=$(echo "$partial"/work/project/*.whl)
declare -A requirements=([litert]=$wheel_of_project [tflite-runtime]="$TFLITE_RUNTIME numpy<2 pillow click inotify_simple")
declare -A constraints=([litert]=$project/constraints.txt [tflite-runtime]=$partial/work/constraints-numpy-1.txt)
make_site() { # make_site BACKEND: DIR/BACKEND/python with DIR/BACKEND/site
    local wheels=$partial/work/$1 to=$partial/$1 wanted
    read -ra wanted <<<"${requirements[$1]} pytest hypothesis"
    log=$partial/work/log-$1
    step "wheels for $1" fetch_wheels "$wheels" --constraint "${constraints[$1]}" "${wanted[@]}"
    mkdir "$to"
    cat >"$to/python" <<'WRAPPER'
#!/bin/sh
# The emulated Python. A child that is started by sys.executable comes back through this file.
here=$(dirname "$(realpath "$0")")
userland=$(dirname "$here")
unset LD_PRELOAD LD_LIBRARY_PATH PYTHONSTARTUP PYTHONDONTWRITEBYTECODE # emulated compiling takes seconds: keep it
export QEMU_CPU="${QEMU_CPU:-cortex-a72}"
export PYTHONHOME="$userland/root/usr" PYTHONPATH="$here/site${PYTHONPATH:+:$PYTHONPATH}"
exec "$userland/qemu-aarch64" -L "$userland/root" -0 "$here/python" "$userland/root/usr/bin/python3" "$@"
WRAPPER
    chmod +x "$to/python"
    step "install for $1" env PYTHONPATH="$partial/pip" "$to/python" -m pip --isolated install --quiet \
        --disable-pip-version-check --root-user-action ignore --no-index --no-compile \
        --find-links "$wheels" --target "$to/site" "${wanted[@]}"
    rm -rf "$to"/site/edgeleuk* # the project itself comes anew at each check
}
for backend in "${backends[@]}"; do
    make_site "$backend" &
    making+=($!)
done
for job in "${making[@]}"; do wait "$job" || exit $?; done
making=()

{
    echo "$suite arm64"
    "$partial/qemu-aarch64" --version | head -n 1
    (cd "$partial/work/userland/cache/archives" && printf '%s\n' libc6_*.deb "python${python_version}_"*.deb)
    (cd "$partial/work/userland" && printf '%s\n' linux-image-*.deb)
    for backend in "${backends[@]}"; do
        (cd "$partial/$backend/site" && for info in *.dist-info; do echo "$backend: ${info%.dist-info}"; done)
    done
} >"$partial/versions"
rm -rf "$partial/work"
echo "$digest" >"$partial/made-from"

old=$dir.partial.$$.old
if [ -e "$dir" ]; then mv -T "$dir" "$old"; fi
mv -T "$partial" "$dir"
rm -rf "$old"
echo "$dir"
