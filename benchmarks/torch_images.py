"""The PyTorch side of image_pipeline.py, in a process of its own, for a Python that has torch.

    python benchmarks/torch_images.py FOLDER SIZE BATCH ROTATION ZOOM

For each line on standard input it draws an epoch from a `DataLoader` with a worker a core, and
prints wall seconds and images as JSON. The steps are those of torchvision's `ImageFolder`,
`Resize`, `RandomHorizontalFlip`, `RandomAffine` and `ToTensor` on Pillow images, written out with
Pillow, flip and affine in one, so that torchvision is not needed: torch, Pillow and NumPy are.
"""

import json
import math
import os
import pathlib
import random
import sys
import time

import numpy as np
import torch
from PIL import Image


class Photos(torch.utils.data.Dataset):
    """Decodes, resizes, flips, rotates and zooms one photo at a time."""

    def __init__(self, folder, size, rotation, zoom):
        """Look for the files of the class folders."""
        self.paths = sorted(pathlib.Path(folder).glob("*/*.jpg"))
        self.classes = sorted({path.parent.name for path in self.paths})
        self.size, self.rotation, self.zoom = size, rotation, zoom

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        with Image.open(path) as photo:
            image = photo.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        image = image.transform(
            image.size, Image.Transform.AFFINE, self.matrix(), Image.Resampling.BILINEAR
        )
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return pixels.float().div(255), self.classes.index(path.parent.name)

    def matrix(self):
        """Return a random flip, rotation and zoom about the centre, as Pillow takes them."""
        angle = math.radians(random.uniform(-self.rotation, self.rotation))
        part = random.uniform(1 - self.zoom, 1 + self.zoom)
        mirror = random.choice((-1, 1))
        a, b = part * math.cos(angle) * mirror, -part * math.sin(angle)
        d, e = part * math.sin(angle) * mirror, part * math.cos(angle)
        centre = self.size / 2
        return a, b, centre - centre * (a + b), d, e, centre - centre * (d + e)


def main():
    """Answer each line with an epoch."""
    folder, size, batch, rotation, zoom = sys.argv[1:]
    loader = torch.utils.data.DataLoader(
        Photos(folder, int(size), float(rotation), float(zoom)),
        batch_size=int(batch),
        shuffle=True,
        num_workers=os.cpu_count(),
        persistent_workers=True,
    )
    for _ in sys.stdin:
        start = time.perf_counter()
        images = sum(len(targets) for _, targets in loader)
        print(json.dumps([time.perf_counter() - start, images]), flush=True)


if __name__ == "__main__":
    main()
