#!/usr/bin/python3
"""PSNR and SSIM of filters without training, the floor under the networks.

Needs Debian's python3-skimage (and python3-pywt). Prints CSV; what is checked in was made with

  scripts/classical-filters.py CIFAR-FOLDER 3500-3999 clamped 0.05 0.1 0.15 0.2 0.25 0.3 0.35
  scripts/classical-filters.py MCMASTER-FOLDER all clamped 15/255 25/255 50/255
  scripts/classical-filters.py MCMASTER-FOLDER all unclamped 15/255 25/255 50/255

Every filter is told sigma. Its one free number is chosen at each level by the mean PSNR on these very images, which favours the filter.
The noise is numpy's, seeded by image and level: not the same draws as the product's, but the same distribution.
"""
import hashlib, os, sys
from fractions import Fraction

import numpy as np
from skimage import io, restoration
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio as psnr_of, structural_similarity as ssim_of


def read(folder, rng):
    if any(f.startswith("data_batch") for f in os.listdir(folder)):
        first, last = (int(x) for x in rng.split("-"))
        names = sorted(f for f in os.listdir(folder) if f.startswith("data_batch")) + [f for f in os.listdir(folder) if f == "test_batch.bin"]
        records = np.concatenate([np.fromfile(os.path.join(folder, f), np.uint8).reshape(-1, 3073) for f in names])[first:last + 1, 1:]
        return hashlib.sha256(records.tobytes()).hexdigest(), [r.reshape(3, 32, 32).transpose(1, 2, 0) / 255.0 for r in records]
    digest, images = hashlib.sha256(), []
    for name in sorted(os.listdir(folder)):
        image = io.imread(os.path.join(folder, name))[..., :3]
        digest.update(np.ascontiguousarray(image.transpose(2, 0, 1)).tobytes())
        images.append(image / 255.0)
    return digest.hexdigest(), images


FILTERS = {
    "Gaussian blur": ([0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0], lambda x, s, p: gaussian(x, p, channel_axis=-1)),
    "non-local means": ([0.4, 0.6, 0.8, 1.0, 1.2], lambda x, s, p: restoration.denoise_nl_means(x, patch_size=5, patch_distance=6, h=p * s, sigma=s, fast_mode=True, channel_axis=-1)),
    "wavelet (BayesShrink)": ([1.0], lambda x, s, p: restoration.denoise_wavelet(x, sigma=s, convert2ycbcr=True, rescale_sigma=True, channel_axis=-1)),
    "total variation": ([0.3, 0.5, 0.75, 1.0, 1.5], lambda x, s, p: restoration.denoise_tv_chambolle(x, weight=p * s, channel_axis=-1)),
}


def main():
    folder, rng, clamped, sigmas = sys.argv[1], sys.argv[2], sys.argv[3], [float(Fraction(s)) for s in sys.argv[4:]]
    sha, images = read(folder, rng)
    for sigma in sigmas:
        noisy = []
        for i, image in enumerate(images):
            x = image + sigma * np.random.default_rng([i, round(sigma * 1e6)]).standard_normal(image.shape)
            noisy.append(np.clip(x, 0, 1) if clamped == "clamped" else x)
        for name, (choices, run) in FILTERS.items():
            best = None
            for choice in choices:
                # A quarter of the pictures chooses where there are many.
                some = range(0, len(images), 4 if len(images) > 100 else 1)
                mean = np.mean([psnr_of(images[i], np.clip(run(noisy[i], sigma, choice), 0, 1), data_range=1) for i in some])
                if best is None or mean > best[0]:
                    best = (mean, choice)
            results = [np.clip(run(x, sigma, best[1]), 0, 1) for x in noisy]
            psnr = [psnr_of(a, b, data_range=1) for a, b in zip(images, results)]
            ssim = [ssim_of(a, b, data_range=1, channel_axis=-1) for a, b in zip(images, results)]
            print(f"{sha},{clamped},{sigma:.6f},{name},{best[1]},{len(images)},{np.mean(psnr):.4f},{np.std(psnr):.4f},{np.mean(ssim):.4f}", flush=True)


main()
