#!/usr/bin/env bash
# Makes the pictures of docs/images that show what the shipped network answers, after its weights have changed.
#
#   scripts/docs-images.sh [URL]
#
#   URL  a running service with the same weights, for the routing map; without it routing.jpg stays as it is
#
# It needs the held-out photographs of scripts/fetch-photographs.sh, which also installs vips. The noise has fixed seeds.
set -euo pipefail
export VIPS_WARNING=0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
images=$root/docs/images
held_out=$root/data/photographs/free/val
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "docs-images: error: $*" >&2; exit 1; }

command -v vips > /dev/null || die "vips is not here; scripts/fetch-photographs.sh installs it."
[[ -d $held_out ]] || die "$held_out is not here; scripts/fetch-photographs.sh makes it."

# Photograph, left, top, sigma·255: a square of 250 pixels.
rows=(
    "budgie-singaporean-cityscape 480 270 15"
    "skimage-astronaut 110 0 25"
    "wordpress-tourist-and-building 150 100 50"
    "grub2-bonsai 150 40 50"
)
side=250
# One channel's noise as CSV, by Box and Muller. (That of vips gaussnoise is not white: neighbours are alike, which shows as streaks.)
gaussian() { # SIGMA SEED
    awk -v side=$side -v sigma="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        for (y = 0; y < side; y++)
            for (x = 0; x < side; x++)
                printf "%.3f%s", sigma * sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()), x < side - 1 ? "," : "\n"
    }'
}

mkdir "$work/noisy" "$work/answers"
for i in "${!rows[@]}"; do
    read -r name left top sigma <<< "${rows[i]}"
    vips crop "$held_out/$name.png" "$work/clean$i.png" "$left" "$top" $side $side
    noise=()
    for channel in 1 2 3; do
        gaussian "$sigma" $((10 * i + channel)) > "$work/noise$channel.csv"
        noise+=("$work/noise$channel.csv")
    done
    vips bandjoin "${noise[*]}" "$work/noise.v"
    vips add "$work/clean$i.png" "$work/noise.v" "$work/sum.v"
    vips round "$work/sum.v" "$work/round.v" rint
    vips cast "$work/round.v" "$work/noisy/$i.png" uchar # as every stored picture: whole, from 0 to 255
done
cp "$images/noisy.png" "$work/noisy/before.png"
dotnet run -c Release --project "$root/src/Training" -- denoise "$work/noisy" --output "$work/answers" --checkpoint "$root/models/denoise-small.safetensors"

cells=()
for i in "${!rows[@]}"; do cells+=("$work/noisy/$i.png" "$work/answers/$i.png" "$work/clean$i.png"); done
vips arrayjoin "${cells[*]}" "$images/sheet.jpg[Q=88]" --across 3 --shim 4
vips arrayjoin "$work/noisy/before.png $work/answers/before.png" "$images/before-after.jpg[Q=90]" --across 2

if [[ -n ${1-} ]]; then
    curl --fail --silent --show-error -F "image=@$images/noisy.png" -H 'Accept: image/png' "$1/v1/routing-map?block=0" -o "$work/routing.png"
    vips copy "$work/routing.png" "$images/routing.jpg[Q=90]"
fi
