#!/bin/bash
# Builds the Dockerfile without Docker and without a registry, and lets the image answer as an unprivileged user.
#
#     sudo deploy/try-image.sh
#
# Needs buildah, debootstrap and curl (all in Debian), and root. The bases that the Dockerfile names are played by
# Debian 12, which has Python 3.11 too. BASE names a folder that holds such a system already, or where to make it;
# BUILD_OPTIONS holds more options of `buildah build`, such as a volume with pip's settings.
set -euo pipefail

for tool in buildah debootstrap curl; do
    command -v "$tool" > /dev/null || { echo "$tool is missing." >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "debootstrap and chroot need root." >&2; exit 1; }

cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
base=${BASE:-$scratch/base}
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
storage=(--root "$scratch/storage" --runroot "$scratch/run")

finish() {
    [ -z "${server:-}" ] || kill "$server" 2> /dev/null || true
    buildah "${storage[@]}" rm --all > /dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finish EXIT

if [ ! -d "$base/usr" ]; then
    debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates bookworm "$base" > "$scratch/log" ||
        { tail -n 5 "$scratch/log" >&2; exit 1; }
fi

container=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" copy --quiet "$container" "$base" / > /dev/null
image=docker.io/fnproject/python:$(sed -n 's/^ARG RUNTIME_PYTHON=//p' Dockerfile)
buildah "${storage[@]}" commit --quiet --rm "$container" "$image" > /dev/null
buildah "${storage[@]}" tag "$image" "$image-dev"

# shellcheck disable=SC2086 # BUILD_OPTIONS are several words
buildah "${storage[@]}" build --pull-never ${BUILD_OPTIONS:-} --tag presign .

container=$(buildah "${storage[@]}" from --pull-never presign)
root=$(buildah "${storage[@]}" mount "$container")
in_image=(chroot --userspec=1000:1000 "$root" /usr/bin/env -i PATH=/usr/bin:/bin PYTHONPATH=/function:/python PYTHONDONTWRITEBYTECODE=1)

# Every operation and both signers, with the image's packages alone.
install -m 644 deploy/smoke.py "$root/tmp/smoke.py"
"${in_image[@]}" python3 -S -s /tmp/smoke.py

# The entry point, called as the Fn agent does.
install -d -m 777 "$root/tmp/iofs"
started=$(date +%s%N)
"${in_image[@]}" FN_FORMAT=http-stream FN_LISTENER=unix:/tmp/iofs/lsnr.sock python3 /function/func.py &
server=$!
cd "$root/tmp/iofs" # the whole path would be too long for a socket's address
until [ -S lsnr.sock ]; do
    kill -0 "$server" 2> /dev/null || { echo "The function has ended." >&2; exit 1; }
    sleep 0.01
done
answer=$(curl --silent --show-error --fail --unix-socket lsnr.sock http://function/call --request POST \
    --header 'Fn-Call-Id: 1' --header 'Fn-Intent: httprequest' \
    --header 'Fn-Http-Method: GET' --header 'Fn-Http-Request-Url: /v1/openapi.json')
ended=$(date +%s%N)
cd /
[[ $answer == *'"openapi"'* ]] || { echo "The function answered: $answer" >&2; exit 1; }
echo "The image works: $(du -sm "$root/function" "$root/python" | awk '{s += $1} END {print s}') MB on top of its base," \
    "and the first answer $(((ended - started) / 1000000)) ms after the start."
