#!/usr/bin/env bash
# Put the tools of others that tests run into a folder, without installing anything: Orthanc, a PACS, with its DICOMweb
# plug-in, dcmtk, and dicom3tools. Needs Debian or Ubuntu and a network, no root. Use: tests/tools.sh FOLDER
set -euo pipefail
tools="orthanc orthanc-dicomweb dcmtk dicom3tools"
mkdir -p "$1"
folder="$(cd "$1" && pwd)"
if [ -x "$folder/usr/sbin/Orthanc" ] && [ -x "$folder/usr/bin/dcmp2pgm" ] && [ -x "$folder/usr/bin/dciodvfy" ]; then
    exit 0
fi
if ! rmdir "$folder" 2>/dev/null; then
    echo "$folder: is not empty and does not hold these tools; remove it or name another folder." >&2
    exit 1
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
# The tools and their libraries; those of the C and C++ languages are the machine's own.
packages="$(own_apt install --yes --print-uris --no-install-recommends $tools |
    sed -nE "s/^'[^']*' ([^_ ]+)_.*/\1/p" | grep -E "^(lib.*|${tools// /|})$" |
    grep -vE '^lib(c6|gcc-s1|stdc\+\+6|crypt1|perl|pam|audit|selinux|semanage|sepol|db5|gdbm)')"
(cd "$work/packages" && own_apt download $packages)
for package in "$work"/packages/*.deb; do
    dpkg --extract "$package" "$work/root"
done
mv "$work/root" "$folder"
