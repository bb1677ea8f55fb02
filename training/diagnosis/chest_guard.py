"""Tells pictures the chest network was not trained for: two scores, computed inside the ONNX graph.

`far`: how little the picture is an upright chest film, as a logit. A small network that saw training films and
pictures made by arithmetic (outliers.py).
`near`: how unlike the training films its light is distributed, as the logarithm of a squared Mahalanobis
distance. Learned from the training films alone.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import chest_net
import outliers

CELLS, EDGE = 7, 4  # 7 x 7 cells of 4 x 4 pixels
SEED, EPOCHS, BATCH, RATE = 2, 10, 64, 2e-3


class Eye(nn.Module):
    """A network of its own: the one that looks for pneumonia has no need to know what a face looks like."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                                    nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
                                    nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.last = nn.Linear(32 * CELLS * CELLS, 1)

    def forward(self, x):
        return self.last(F.dropout(self.layers(x).flatten(1), 0.3, self.training))


def train_eye(films, normalise, say):
    """films [n, 1, 28, 28] of 0..1. Every epoch draws its outliers anew."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    eye = Eye()
    steps = len(films) // BATCH
    optimiser = torch.optim.AdamW(eye.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, EPOCHS * steps)
    for epoch in range(EPOCHS):
        eye.train()
        others = torch.from_numpy(outliers.make(films[:, 0].numpy(), len(films), SEED + epoch))[:, None]
        order, total = torch.randperm(len(films), generator=rng), 0.0
        for rows in order[:steps * BATCH].split(BATCH):
            inside = chest_net.augment(films[rows], rng)
            x = normalise(torch.cat([inside, others[rows]]))
            y = torch.cat([torch.zeros(len(rows), 1), torch.ones(len(rows), 1)])
            loss = F.binary_cross_entropy_with_logits(eye(x), y * 0.98 + 0.01)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        say(epoch, total / steps)
    return eye.eval()


def light(x):
    """[n, 98]: the mean of each of 49 cells, and the logarithm of its standard deviation."""
    cells = x.reshape(-1, CELLS, EDGE, CELLS, EDGE).permute(0, 1, 3, 2, 4).reshape(-1, CELLS * CELLS, EDGE * EDGE)
    mean = cells.mean(2, keepdim=True)
    spread = 0.5 * torch.log((cells - mean).pow(2).mean(2) + 0.004)
    return torch.cat([mean[:, :, 0], spread], 1)


class Distance(nn.Module):
    """The logarithm of the squared Mahalanobis distance from the training rows, divided by the number of columns.

    Source: Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018.
    """

    def __init__(self, rows):
        super().__init__()
        rows = rows.double().numpy()
        covariance = np.cov(rows.T)
        covariance += 0.01 * np.diag(np.diag(covariance))
        root = np.linalg.cholesky(np.linalg.inv(covariance)) / np.sqrt(rows.shape[1])
        self.register_buffer("mean", torch.from_numpy(rows.mean(0)).float())
        self.register_buffer("root", torch.from_numpy(root).float())

    def forward(self, rows):
        return torch.log(((rows - self.mean) @ self.root).pow(2).sum(1, keepdim=True) + 1e-3)


class Guarded(nn.Module):
    """What is exported: the pictures after preprocessing in; logit, far, near and heat_map out."""

    def __init__(self, net, eye, distance):
        super().__init__()
        self.net, self.eye, self.distance = net, eye, distance

    def forward(self, image):
        coarse = self.net.stages(image)[2]
        logit = self.net.last(coarse.mean((2, 3)))
        return logit, self.eye(image), self.distance(light(image)), self.net.heat_map(coarse)
