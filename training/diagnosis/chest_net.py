"""The chest film's network, its training, and the augmentation that the card names."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED, EPOCHS, BATCH, PEAK_RATE, DECAY, MIXUP, EMA = 1, 18, 64, 4e-3, 0.05, 0.2, 0.995
WIDTHS = (32, 64, 80)
HEAT = 7


def block(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU())


class Net(nn.Module):
    """Six 3 x 3 convolutions at 28, 14 and 7 cells a side, the mean of the last, one linear layer."""

    def __init__(self):
        super().__init__()
        a, b, c = WIDTHS
        self.fine = nn.Sequential(block(1, a), block(a, a))
        self.middle = nn.Sequential(block(a, b), block(b, b))
        self.coarse = nn.Sequential(block(b, c), block(c, c))
        self.last = nn.Linear(c, 1)

    def stages(self, x):
        fine = self.fine(x)
        middle = self.middle(F.max_pool2d(fine, 2))
        return fine, middle, self.coarse(F.max_pool2d(middle, 2))

    def forward(self, x):
        features = self.stages(x)[2].mean((2, 3))
        return self.last(F.dropout(features, 0.3, self.training))

    def heat_map(self, coarse):
        """[n, 1, 7, 7]: what each cell adds to the logit; 0 where it takes away.

        Source: Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016.
        """
        return F.relu(F.conv2d(coarse, self.last.weight[:, :, None, None]))


def between(n, low, high, rng):
    return (torch.rand(n, generator=rng) * (high - low) + low)[:, None, None, None]


def augment(x, rng):
    """Pixels of 0..1: turn by 12 degrees, zoom by 12 %, shift by 2 pixels, gamma, contrast, brightness, blur or sharpening, noise."""
    n = len(x)
    turn, zoom = between(n, -0.21, 0.21, rng)[:, 0, 0, 0], between(n, 0.88, 1.12, rng)[:, 0, 0, 0]
    right, down = between(n, -0.14, 0.14, rng)[:, 0, 0, 0], between(n, -0.14, 0.14, rng)[:, 0, 0, 0]
    rows = [torch.stack([zoom * turn.cos(), -zoom * turn.sin(), right], 1),
            torch.stack([zoom * turn.sin(), zoom * turn.cos(), down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False, padding_mode="border")
    x = resharpen(x.clamp(0, 1) ** between(n, 0.75, 1.33, rng), between(n, -0.5, 0.5, rng))
    mean = x.mean((2, 3), keepdim=True)
    x = (x - mean) * between(n, 0.75, 1.25, rng) + mean + between(n, -0.12, 0.12, rng)
    x = x + torch.randn(x.shape, generator=rng) * between(n, 0.0, 0.03, rng)
    return x.clamp(0, 1)


def resharpen(x, by):
    """Blurs (by < 0) or sharpens (by > 0): programs that shrink films differ in just that."""
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x + by * (x - blurred)


def mixed(x, y, rng, draw):
    share = float(draw.beta(MIXUP, MIXUP))
    other = torch.randperm(len(x), generator=rng)
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]


def follow(average, net):
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values()):
            if a.dtype.is_floating_point:
                a.mul_(EMA).add_(b, alpha=1 - EMA)
            else:
                a.copy_(b)


def train(x, y, normalise, say, epochs=EPOCHS, seed=SEED):
    """x [n, 1, 28, 28] of 0..1, y [n] of 0 or 1; returns the running average of the weights."""
    torch.manual_seed(seed)
    rng, draw = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    net, average = Net().to(memory_format=torch.channels_last), Net()
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), PEAK_RATE, weight_decay=DECAY)
    steps = len(x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, epochs * steps)
    weight = (1 - y.mean()) / y.mean()
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(x), generator=rng)
        total = 0.0
        for rows in order[:steps * BATCH].split(BATCH):
            a, b = mixed(augment(x[rows], rng), y[rows], rng, draw)
            a = normalise(a).contiguous(memory_format=torch.channels_last)
            loss = F.binary_cross_entropy_with_logits(net(a)[:, 0], b, pos_weight=weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            follow(average, net)
            total += loss.item()
        say(epoch, total / steps, average)
    return average.eval()


def logits(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(256)])[:, 0].double().numpy()
