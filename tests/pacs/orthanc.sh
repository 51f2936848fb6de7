#!/usr/bin/env bash
# Put Orthanc, a PACS, and its DICOMweb plug-in into a folder, without installing anything: the tests of `pacs` start
# it from there. Needs Debian or Ubuntu and a network, no root. Use: tests/pacs/orthanc.sh FOLDER
set -euo pipefail
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
if [ -x "$folder/usr/sbin/Orthanc" ]; then
    exit 0
fi

# apt works in a folder of its own, as if nothing were installed: so it names every package that is needed.
work="$folder.partial"
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/root"
touch "$work/state/status"
own_apt() {
    apt-get --quiet=2 --option Dir::State="$work/state" --option Dir::State::status="$work/state/status" \
        --option Dir::Cache="$work/cache" --option APT::Sandbox::User="$(id -un)" "$@"
}
own_apt update
# Libraries alone; those of the C and C++ languages are the machine's own.
packages="$(own_apt install --yes --print-uris --no-install-recommends orthanc orthanc-dicomweb |
    sed -nE "s/^'[^']*' ([^_ ]+)_.*/\1/p" | grep -E '^(lib|orthanc)' |
    grep -vE '^lib(c6|gcc-s1|stdc\+\+6|crypt1|perl|pam|audit|selinux|semanage|sepol|db5|gdbm)')"
(cd "$work/packages" && own_apt download $packages)
for package in "$work"/packages/*.deb; do
    dpkg --extract "$package" "$work/root"
done
rm -rf "$folder"
mv "$work/root" "$folder"
