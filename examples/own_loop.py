"""A training loop of one's own with a deficit, the trace of the Fisher information and a stabiliser.

    .venv/bin/python examples/own_loop.py --epochs 3                # scikit-learn's digits, seconds
    .venv/bin/python examples/own_loop.py --data cifar10 --blur 0 20 --epochs 60 --weight 1e-4   # a ResNet-18

Without the lines marked `# critical` it is a plain torchvision script. Four things to mind: a deficit acts on pixels
in [0, 1] after the augmentation, so Normalize belongs into the network; the trace is that of batches as the network
saw them; with `--half` a GradScaler multiplies the gradients, so the step says by how much; and who wants the same bits
on other machines imports `critical` before torch. Stabilisers that change images (augmentation, modality dropout,
mixup) also want `change_scene` and `change_input` called before the forward pass; L2Init wants a copy of the first
model, `Situation(..., initial=lambda: copied)`, and ShrinkAndPerturb what makes new ones, `fresh=build`
(`critical/stabilizers/base.py` lists all hooks).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import CIFAR10
from torchvision.models import resnet18
from torchvision.transforms import v2

from critical.core.batch import Batch  # critical
from critical.deficits import Blur  # critical
from critical.measures.fisher import trace_of_fisher  # critical
from critical.stabilizers import FisherPenalty, Situation, Step  # critical
from critical.training.timeline import Timeline, Window  # critical


class Digits(Dataset):
    """Grey digits of 8×8 pixels, the last quarter for testing."""

    def __init__(self, train: bool, transform: nn.Module) -> None:
        held = load_digits()
        cut = len(held.target) * 3 // 4
        part = slice(None, cut) if train else slice(cut, None)
        self.images = (held.images[part] * (255 / 16)).astype("uint8")
        self.labels, self.transform = held.target[part].tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[place]), self.labels[place]


def main(given: Sequence[str] | None = None) -> nn.Module:
    """Trains, prints a row an epoch and returns the network."""
    parser = argparse.ArgumentParser(description="a training loop with a deficit, a trace and a stabiliser")
    parser.add_argument("--data", choices=("digits", "cifar10"), default="digits")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--half", action="store_true", help="half precision, with a GradScaler")
    parser.add_argument("--blur", type=int, nargs=2, default=(0, 1), metavar=("START", "END"))  # critical
    parser.add_argument("--weight", type=float, default=0.01, help="of the Fisher penalty; 0: none")  # critical
    told = parser.parse_args(given)

    torch.manual_seed(told.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    to_floats = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    if told.data == "digits":
        moved = v2.Compose([*to_floats, v2.RandomCrop(8, padding=1)])
        train, test = Digits(True, moved), Digits(False, v2.Compose(to_floats))
        network = nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))
        normalise = v2.Normalize([0.3], [0.35])
    else:
        moved = v2.Compose([*to_floats, v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()])
        train = CIFAR10("data", train=True, transform=moved, download=True)
        test = CIFAR10("data", train=False, transform=v2.Compose(to_floats), download=True)
        network, normalise = resnet18(num_classes=10), v2.Normalize([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])
    model = nn.Sequential(normalise, network).to(device)
    loader, tests = DataLoader(train, batch_size=64, shuffle=True, drop_last=True), DataLoader(test, batch_size=250)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scaler = torch.amp.GradScaler(device, enabled=told.half)
    timeline = Timeline(told.epochs, (Window(told.blur[0], told.blur[1], Blur(factor=4)),))  # critical
    stabilizer = FisherPenalty(weight=told.weight)  # critical: what weight trains depends on the network

    header = "epoch   loss  accuracy"
    header += "  deficit  trace of the Fisher information"  # critical
    print(header)
    for epoch in range(told.epochs):
        model.train()
        total = 0.0
        seen: list[torch.Tensor] = []  # critical
        acting = stabilizer.activate(Situation(model, told.seed, epoch))  # critical
        acting.before_epoch()  # critical
        for number, (images, labels) in enumerate(loader):
            images, labels = images.to(device), labels.to(device)
            for deficit in timeline.active(epoch):  # critical
                images, labels = deficit(images, labels, seed=told.seed, epoch=epoch)  # critical
            with torch.autocast(device, dtype=torch.float16, enabled=told.half):
                logits = model(images).float()
                loss = functional.cross_entropy(logits, labels)
            total += loss.item()
            index = torch.arange(len(labels))  # critical: a batch has one; no stabiliser of one view looks at it
            batch = Batch((images,), labels, index)  # critical
            step = Step(model, batch, logits, loss, number, scale=scaler.get_scale())  # critical
            extra = acting.loss(step)  # critical
            loss = loss if extra is None else loss + extra  # critical
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            acting.gradients(step)  # critical
            scaler.step(optimizer)
            scaler.update()
            acting.weights(step)  # critical
            seen = [*seen, images][:4]  # critical
        acting.close()  # critical
        model.eval()
        with torch.no_grad():
            right = sum((model(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in tests)
        row = f"{epoch:5d} {total / len(loader):6.3f} {100 * right / len(test):8.1f}%"
        names = "+".join(deficit.name for deficit in timeline.active(epoch)) or "-"  # critical
        trace = trace_of_fisher(model, seen, generator=torch.Generator().manual_seed(told.seed), chunk=32)  # critical
        row += f"  {names:7s}  {trace.total:.4g}"  # critical
        print(row)
    return model


if __name__ == "__main__":
    main()
