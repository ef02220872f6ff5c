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

# A picture with white noise or, smoothed by [1 2 1] / 4 in both directions, with such as demosaicing leaves, of the same σ.
with_noise() { # CLEAN SIGMA SEED RESULT [smoothed]
    local noise=() sigma=$2
    [[ -z ${5-} ]] || sigma=$(awk -v sigma="$2" 'BEGIN { print sigma / 0.375 }') # smoothing leaves 3/8 of it
    for channel in 1 2 3; do
        gaussian "$sigma" $(($3 + channel)) > "$work/noise$channel.csv"
        noise+=("$work/noise$channel.csv")
    done
    vips bandjoin "${noise[*]}" "$work/noise.v"
    if [[ -n ${5-} ]]; then
        printf '3 3 16 0\n1 2 1\n2 4 2\n1 2 1\n' > "$work/smoothing.mat"
        vips conv "$work/noise.v" "$work/smoothed.v" "$work/smoothing.mat"
        mv "$work/smoothed.v" "$work/noise.v"
    fi
    vips add "$1" "$work/noise.v" "$work/sum.v"
    vips round "$work/sum.v" "$work/round.v" rint
    vips cast "$work/round.v" "$4" uchar # as every stored picture: whole, from 0 to 255
}

denoise() { dotnet run -c Release --project "$root/src/Training" -- denoise "$@" --checkpoint "$root/models/denoise-small.safetensors"; }

mkdir "$work/noisy"
for i in "${!rows[@]}"; do
    read -r name left top sigma <<< "${rows[i]}"
    vips crop "$held_out/$name.png" "$work/clean$i.png" "$left" "$top" $side $side
    with_noise "$work/clean$i.png" "$sigma" $((10 * i)) "$work/noisy/$i.png"
done
vips crop "$held_out/skimage-chelsea.png" "$work/chelsea.png" 100 20 $side $side
with_noise "$work/chelsea.png" 20 40 "$work/noisy/grain.png" smoothed
cp "$images/noisy.png" "$work/noisy/before.png"
denoise "$work/noisy" --output "$work/answers"
denoise "$work/noisy/grain.png" --output "$work/told.png" --sigma 35/255

cells=()
for i in "${!rows[@]}"; do cells+=("$work/noisy/$i.png" "$work/answers/$i.png" "$work/clean$i.png"); done
vips arrayjoin "${cells[*]}" "$images/sheet.jpg[Q=88]" --across 3 --shim 4
vips arrayjoin "$work/noisy/before.png $work/answers/before.png" "$images/before-after.jpg[Q=90]" --across 2
vips arrayjoin "$work/noisy/grain.png $work/answers/grain.png $work/told.png" "$images/grain.jpg[Q=90]" --across 3 --shim 4

if [[ -n ${1-} ]]; then
    curl --fail --silent --show-error -F "image=@$images/noisy.png" -H 'Accept: image/png' "$1/v1/routing-map?block=0" -o "$work/routing.png"
    vips copy "$work/routing.png" "$images/routing.jpg[Q=90]"
fi
