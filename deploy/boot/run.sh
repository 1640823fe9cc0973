#!/usr/bin/env bash
# A whole 64-bit ARM system boots in QEMU, edgeleuk is installed in it without a network, and its services are put to the test.
set -Eeuo pipefail
umask 022

boot=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$(dirname "$boot")")

usage() {
    cat <<'TEXT'
usage: run.sh [--suite bookworm|trixie] [--dir DIR] [-- MMDEBSTRAP-OPTION...]

Makes a Debian system for arm64 (once; kept in DIR), the wheelhouse, a small model and some synthetic cells, boots the system on an
emulated Cortex-A72 without a network, and runs guest.sh in it: install, classify, kill -9, watchdog, upgrade, rollback, uninstall.
Prints what the guest says and exits 0 only where every line of it says PASS.

  --suite NAME   Debian release (default: bookworm)
  --dir DIR      where to keep what is made (default: /var/tmp/edgeleuk-boot); some 2 GB
  -h, --help     this text

Must be run as root. Needs Debian's packages mmdebstrap, arch-test, qemu-system-arm, qemu-user-static (with binfmt-support), cpio
and 4 GB of memory, and the development environment (.venv, from make test). Takes some 20 minutes, 10 when the system is there.
TEXT
}

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
misused() { printf 'error: %s\n' "$*" >&2; usage >&2; exit 2; }

parse_arguments() {
    suite=bookworm folder=/var/tmp/edgeleuk-boot options=()
    while [ $# -gt 0 ]; do
        case $1 in
            --suite) suite=${2:?--suite needs a value}; shift ;;
            --dir) folder=${2:?--dir needs a value}; shift ;;
            -h | --help) usage; exit 0 ;;
            --) shift; options=("$@"); break ;;
            *) misused "unknown argument: $1" ;;
        esac
        shift
    done
    case $suite in
        bookworm) python=3.11 ;;
        trixie) python=3.13 ;;
        *) misused "--suite is $suite; expected bookworm or trixie" ;;
    esac
}

check_tools() {
    local tool
    [ "$(id -u)" = 0 ] || fail "must be run as root (mmdebstrap, device files)"
    for tool in mmdebstrap arch-test qemu-system-aarch64 cpio; do
        command -v "$tool" >/dev/null || fail "$tool is missing; --help names the packages"
    done
    [ -x "$checkout/.venv/bin/edgeleuk" ] || fail "no development environment in $checkout/.venv; run make test once"
}

# The kernel's package is only unpacked: its configuration would spend half an hour, emulated, on an initramfs that is not used.
make_system() {
    tree=$folder/tree-$suite
    [ ! -e "$tree.done" ] || return 0
    arch-test arm64 >/dev/null || fail "this machine cannot run arm64 programs; qemu-user-static with binfmt-support lets it"
    rm -rf "$tree"
    say "making the system (once)"
    # shellcheck disable=SC2016 # mmdebstrap's shell expands $1
    nice mmdebstrap --mode=root --arch=arm64 --variant=apt --aptopt='Acquire::Retries "5"' \
        --include=systemd-sysv,udev,dbus,python3,python3-venv \
        --customize-hook='chroot "$1" sh -c "cd /root && apt-get -q download \$(apt-cache depends linux-image-arm64 | sed -n \"s/.*Depends: //p\" | head -n 1)"' \
        "${options[@]}" "$suite" "$tree" >"$folder/mmdebstrap-$suite.log" 2>&1 || fail "no system could be made; see $folder/mmdebstrap-$suite.log"
    mkdir -p "$tree/boot"
    dpkg-deb --fsys-tarfile "$tree"/root/linux-image-*.deb | tar -x -C "$tree" --wildcards './boot/vmlinuz-*'
    touch "$tree.done"
}

make_material() {
    local python_here=$checkout/.venv/bin/python cells=$folder/cells
    say "making the wheelhouse, a model and images"
    "$checkout/deploy/wheelhouse.sh" --python "$python" --output "$folder/wheelhouse-$suite" >"$folder/wheelhouse-$suite.log" 2>&1 ||
        fail "no wheelhouse; see $folder/wheelhouse-$suite.log"
    (cd "$checkout" && nice "$python_here" -m deploy.boot.models "$folder") || fail "no models could be made"
    rm -rf "$cells"
    "$checkout/.venv/bin/edgeleuk" data synth "$cells" --images-per-subject 1 >/dev/null
}

# The whole tree is the initramfs; its init copies it to a disk in memory, so that the services' namespaces are those of a real root.
make_initramfs() {
    local root=$folder/root-$suite image
    local -a images
    rm -rf "$root"
    cp -a "$tree" "$root"
    rm -rf "${root:?}"/{boot,lib/modules,usr/share/{doc,man,locale}} "$root"/root/*.deb
    mkdir -p "$root/srv/boot/images"
    cp -R "$folder/wheelhouse-$suite" "$root/srv/boot/wheelhouse"
    cp "$folder/model.tflite" "$folder/other.tflite" "$boot/guest.sh" "$root/srv/boot/"
    mapfile -t images < <(find "$folder/cells" -name '*.bmp' | sort)
    for image in "${images[@]:0:4}"; do cp "$image" "$root/srv/boot/images/"; done
    cp "$boot/init" "$root/init"
    cp "$boot/boot-test.service" "$root/etc/systemd/system/"
    ln -s ../boot-test.service "$root/etc/systemd/system/multi-user.target.wants/"
    ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyAMA0.service" # it would hang up on guest.sh
    printf 'pi\n' >"$root/etc/hostname"
    : >"$root/etc/machine-id"
    (cd "$root" && find . -xdev -print0 | cpio --null --quiet --create --format=newc) >"$folder/initramfs-$suite"
    rm -rf "$root"
}

start() {
    local -a kernels=("$tree"/boot/vmlinuz-*)
    say "booting"
    timeout 3600 nice qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 4G -nographic -no-reboot -nic none -rtc base=utc \
        -kernel "${kernels[0]}" -initrd "$folder/initramfs-$suite" \
        -append "console=ttyAMA0 rdinit=/init systemd.firstboot=off systemd.show_status=no quiet panic=-1" </dev/null >"$folder/console-$suite.log" 2>&1 || true
}

# The guest's lines begin with "guest: "; the rest of the console is the kernel's and systemd's.
judge() {
    tr -d '\r' <"$folder/console-$suite.log" | sed -n 's/^.*guest: //p' | tee "$folder/boot-$suite.log"
    grep -q '^END' "$folder/boot-$suite.log" || fail "the guest did not come to its end; see $folder/console-$suite.log"
    ! grep -q '^FAIL' "$folder/boot-$suite.log" || fail "$(grep -c '^FAIL' "$folder/boot-$suite.log") checks failed"
    say "all $(grep -c '^PASS' "$folder/boot-$suite.log") checks passed"
}

main() {
    parse_arguments "$@"
    check_tools
    mkdir -p "$folder"
    make_system
    make_material
    make_initramfs
    start
    judge
}

main "$@"
