#!/usr/bin/python3
"""Reference values of PSNR and SSIM, computed with scikit-image, for the tests of the C# code.

Writes skimage_values.json beside this file. Run with Debian's Python and package:

    apt-get install -y --no-install-recommends python3-skimage
    /usr/bin/python3 tests/Training.Tests/reference/skimage_values.py

The image pairs (clean, noisy) are closed formulas of the row y (0 at the top), the column x (0 at the left), the channel c
(0 red, 1 green, 2 blue; 0 for grey) and an integer seed, so that C# rebuilds the very same pairs. Nothing is drawn at random.

1.  hash(y, x, c, seed), with exact integer arithmetic (64 bits suffice) and one division in double precision:

        hash = ((y * 7919 + x * 104729 + c * 1299709 + seed * 15485863) mod 1000003) / 1000003.0

    It is at least 0 and less than 1. All operands are at least 0, so that mod is C#'s % on long.

2.  The clean value, in double precision, by the case's "formula":

        "hash"    clean = hash(y, x, c, seed)
        "ramp"    clean = 0.5 + 0.5 * ((x + 2 * y + 5 * c + seed) mod 37) / 37.0
        "blocks"  clean = 0.125 + 0.75 * ((y div 8 + x div 8 + c + seed) mod 4) / 3.0
        "gradient" clean = (x * 3 + y * 2 + c * 7 + seed) / ((width - 1) * 3 + (height - 1) * 2 + 14 + seed)
        "flat"    clean = 0.5

    Here div is the integer division. The order of operations is as written: in "ramp", first 0.5 * integer, then the
    division by 37.0, then the sum; in "blocks" likewise; in "gradient" one division of two integers as doubles.

3.  The noisy value, in double precision, in this order, without fused operations:

        noise  = amplitude * (hash(y, x, c, seed + 1000) - 0.5)
        noisy  = min(max(clean + noise, 0.0), 1.0)

    clean in this line is the double of step 2, before the rounding of step 4.

4.  ROUNDING TO float32: both clean and noisy are rounded to float32 (to nearest, ties to even: C#'s (float) cast). These
    float32 values are the images. The metrics are computed ON float64 COPIES of them (a float32 widened to float64 is exact):
    scikit-image would otherwise compute the SSIM of float32 images in single precision.

5.  The metrics, of the widened images, data range 1. True image: clean; test image: noisy.

        "rgb"   channels as they are. PSNR = 10 * log10(1 / MSE), the MSE over all pixels and channels together.
        "grey"  the same, on one channel (a height x width array).
        "y"     colour reduced to one channel first, in double precision, from the float32 values widened:
                Y = 0.299 * R + 0.587 * G + 0.114 * B (BT.601 luma, summed from left to right, not rounded to float32),
                then PSNR and SSIM as "grey".

    SSIM is skimage.metrics.structural_similarity with data_range=1 (and channel_axis=-1 for "rgb"), all else by default:
    a uniform window of 7 x 7, K1 = 0.01, K2 = 0.03, sample covariance (divided by 48, not 49), and the mean of the SSIM map
    over the pixels whose window lies inside the image (a border of 3 pixels cropped); for "rgb" the mean of the three
    channels' values. An image of 7 x 7 has one such pixel.

Expect agreement to about 1e-9: the sums run in another order.
"""

import json
import pathlib

import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

# name, height, width, channels, measure, formula, seed, amplitude
CASES = [
    ("hash 32x32 rgb, medium noise", 32, 32, 3, "rgb", "hash", 1, 0.2),
    ("ramp 32x32 rgb, heavy noise", 32, 32, 3, "rgb", "ramp", 2, 1.5),
    ("ramp 32x32 rgb, tiny noise", 32, 32, 3, "rgb", "ramp", 3, 0.001),
    ("blocks 32x32 rgb, medium noise", 32, 32, 3, "rgb", "blocks", 4, 0.25),
    ("gradient 32x32 rgb, light noise", 32, 32, 3, "rgb", "gradient", 5, 0.05),
    ("flat 32x32 rgb, medium noise", 32, 32, 3, "rgb", "flat", 6, 0.3),
    ("gradient 33x47 rgb, medium noise", 33, 47, 3, "rgb", "gradient", 7, 0.4),
    ("blocks 33x47 rgb, heavy noise", 33, 47, 3, "rgb", "blocks", 8, 2.0),
    ("hash 7x7 rgb, medium noise", 7, 7, 3, "rgb", "hash", 9, 0.3),
    ("ramp 7x7 rgb, tiny noise", 7, 7, 3, "rgb", "ramp", 10, 0.002),
    ("gradient 64x48 grey, medium noise", 64, 48, 1, "grey", "gradient", 11, 0.35),
    ("ramp 64x48 grey, heavy noise", 64, 48, 1, "grey", "ramp", 12, 1.8),
    ("hash 64x48 grey, tiny noise", 64, 48, 1, "grey", "hash", 13, 0.004),
    ("gradient 32x32 luma of rgb, medium noise", 32, 32, 3, "y", "gradient", 14, 0.3),
    ("blocks 33x47 luma of rgb, heavy noise", 33, 47, 3, "y", "blocks", 15, 1.2),
]


def hash_of(y, x, c, seed):
    return ((y * 7919 + x * 104729 + c * 1299709 + seed * 15485863) % 1000003) / 1000003.0


def clean_of(formula, y, x, c, seed, height, width):
    if formula == "hash":
        return hash_of(y, x, c, seed)
    if formula == "ramp":
        return 0.5 + 0.5 * ((x + 2 * y + 5 * c + seed) % 37) / 37.0
    if formula == "blocks":
        return 0.125 + 0.75 * ((y // 8 + x // 8 + c + seed) % 4) / 3.0
    if formula == "gradient":
        return (x * 3 + y * 2 + c * 7 + seed) / ((width - 1) * 3 + (height - 1) * 2 + 14 + seed)
    if formula == "flat":
        return 0.5
    raise ValueError(formula)


def build(height, width, channels, formula, seed, amplitude):
    clean = np.empty((height, width, channels), np.float32)
    noisy = np.empty((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                value = clean_of(formula, y, x, c, seed, height, width)
                noise = amplitude * (hash_of(y, x, c, seed + 1000) - 0.5)
                clean[y, x, c] = np.float32(value)
                noisy[y, x, c] = np.float32(min(max(value + noise, 0.0), 1.0))
    return clean.astype(np.float64), noisy.astype(np.float64)


def luma(image):
    return 0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]


def measure(clean, noisy, kind):
    if kind == "y":
        clean, noisy = luma(clean), luma(noisy)
    elif kind == "grey":
        clean, noisy = clean[..., 0], noisy[..., 0]
    extra = {"channel_axis": -1} if kind == "rgb" else {}
    psnr = peak_signal_noise_ratio(clean, noisy, data_range=1)
    ssim = structural_similarity(clean, noisy, data_range=1, **extra)
    return float(psnr), float(ssim)


def main():
    cases = []
    for name, height, width, channels, kind, formula, seed, amplitude in CASES:
        clean, noisy = build(height, width, channels, formula, seed, amplitude)
        psnr, ssim = measure(clean, noisy, kind)
        cases.append({
            "name": name,
            "height": height,
            "width": width,
            "channels": channels,
            "measure": kind,
            "formula": formula,
            "seed": seed,
            "amplitude": amplitude,
            # For finding a difference: means of the float32 images, summed in double precision.
            "cleanMean": float(clean.mean()),
            "noisyMean": float(noisy.mean()),
            "psnr": psnr,
            "ssim": ssim,
        })
    document = {"skimage": skimage.__version__, "numpy": np.__version__, "cases": cases}
    path = pathlib.Path(__file__).with_name("skimage_values.json")
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for case in cases:
        print(f"{case['name']:45s} psnr {case['psnr']:.6f}  ssim {case['ssim']:.6f}")


if __name__ == "__main__":
    main()
