#!/usr/bin/env bash
# The check of docs/how-to/raspberry-pi.md: an install for aarch64, and `classify` of the samples as on a Raspberry Pi 4.
# Downloads the wheels of every core dependency for each Python, and unpacks those for 3.11 and Debian's own Python 3.11 for
# arm64 to a folder; QEMU runs it as a Cortex-A72. Needs Debian 12 with qemu-user-static, and batchdigits in the
# environment, whose rows are compared with those of the emulated one.
#
#     benchmarks/aarch64.sh FOLDER
set -euo pipefail
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p -- "$1"
cd -- "$1"

mapfile -t core < <(python -c "
import sys, tomllib
print(*tomllib.load(open(sys.argv[1], 'rb'))['project']['dependencies'], sep='\n')" "$root/pyproject.toml")
for version in 3.11 3.12 3.13; do
    platforms=(--platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64)
    python -m pip download --quiet --only-binary :all: "${platforms[@]}" --implementation cp \
        --python-version "$version" --dest "wheels-$version" "${core[@]}"
    echo "Python $version: $(find "wheels-$version" -name '*.whl' | wc -l) wheels"
done
mkdir -p site debs rootfs/proc apt/state/lists/partial apt/cache/archives/partial
for wheel in wheels-3.11/*.whl; do python -m zipfile -e "$wheel" site; done

# Apt with folders of its own, so that nothing of this system becomes arm64.
: > apt/state/status
arm64=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State=$PWD/apt/state"
    -o "Dir::State::status=$PWD/apt/state/status" -o "Dir::Cache=$PWD/apt/cache" -o APT::Sandbox::User=root)
apt-get "${arm64[@]}" update
(cd debs && apt-get "${arm64[@]}" download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 zlib1g \
    libexpat1 libssl3 libbz2-1.0 liblzma5 libffi8 libstdc++6 libgcc-s1 libsqlite3-0 libuuid1 libcrypt1)
for package in debs/*.deb; do dpkg-deb -x "$package" rootfs; done

# LiteRT reads what the processor can do from /proc/cpuinfo, where the emulator would show this machine's.
printf '%s\n' 'processor	: 0' 'Features	: fp asimd evtstrm crc32 cpuid' 'CPU implementer	: 0x41' \
    'CPU architecture: 8' 'CPU variant	: 0x0' 'CPU part	: 0xd08' 'CPU revision	: 3' > rootfs/proc/cpuinfo

# Workers start sys.executable, which is this script by -0.
cat > python <<END
#!/bin/sh
exec qemu-aarch64-static -cpu cortex-a72 -0 '$PWD/python' -L '$PWD/rootfs' -E PYTHONHOME='$PWD/rootfs/usr' \\
    -E LD_LIBRARY_PATH='$PWD/rootfs/lib/aarch64-linux-gnu:$PWD/rootfs/usr/lib/aarch64-linux-gnu' \\
    '$PWD/rootfs/usr/bin/python3.11' "\$@"
END
chmod +x python

here=$PWD
cd -- "$root"
export PYTHONDONTWRITEBYTECODE=1
status=0
PYTHONPATH="$here/site:$root" "$here/python" -m batchdigits classify samples --jobs 1 -o "$here/arm64.csv" || status=$?
[ "$status" = 3 ] # some of the samples are broken on purpose
python -m batchdigits classify samples --quiet -o "$here/here.csv" || [ $? = 3 ]
cut -d, -f1,2,4,5 "$here/arm64.csv" > "$here/arm64.labels"
cut -d, -f1,2,4,5 "$here/here.csv" | diff - "$here/arm64.labels"
echo "labels and statuses are equal; rows with another score in the sixth decimal:"
diff "$here/here.csv" "$here/arm64.csv" | grep -c '^>' || true
