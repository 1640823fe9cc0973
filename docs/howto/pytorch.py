"""Train a torchvision network on an index of edgeleuk and export it as a float .tflite, with its spec beside it.

usage: python pytorch.py index.json net.tflite [--network resnet18] [--size 128] [--epochs 5] [--pretrained]

Runs in an environment of its own with torch, torchvision and litert-torch; edgeleuk is not needed in it.
"""

import argparse
import json
from pathlib import Path

import litert_torch
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what torchvision's pretrained networks are shown


class Cells(Dataset):  # type: ignore[misc]
    """Images of one split of an index, stretched to `size`, with the number of their class."""

    def __init__(self, index: Path, split: str, size: int) -> None:
        read = json.loads(index.read_text())
        self.root, self.classes, self.size = index.parent / read["root"], read["classes"], size
        self.images = [image for image in read["images"] if image["split"] == split]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        image = self.images[place]
        picture = (
            Image.open(self.root / image["path"])
            .convert("RGB")
            .resize((self.size, self.size), Image.Resampling.BILINEAR)
        )
        return functional.normalize(functional.to_tensor(picture), MEAN, DEVIATION), self.classes.index(image["label"])


def build(name: str, classes: int, pretrained: bool) -> torch.nn.Module:
    """The network with a last layer of that many classes."""
    network = getattr(torchvision.models, name)(weights="DEFAULT" if pretrained else None)
    if hasattr(network, "AuxLogits"):  # InceptionV3's second head is for training alone
        network.aux_logits, network.AuxLogits = False, None
    if hasattr(network, "fc"):
        network.fc = torch.nn.Linear(network.fc.in_features, classes)
    else:
        network.classifier[-1] = torch.nn.Linear(network.classifier[-1].in_features, classes)
    return network


def train(network: torch.nn.Module, cells: Cells, epochs: int) -> None:
    """Adam with a rate that falls to 0 along a cosine; each picture is turned over at random."""
    loader = DataLoader(cells, batch_size=32, shuffle=True, num_workers=2, drop_last=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    network.train()
    for epoch in range(epochs):
        losses = []
        for images, labels in loader:
            sides = [axis for axis in (2, 3) if torch.rand(()) < 0.5]
            loss = torch.nn.functional.cross_entropy(network(images.flip(sides)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.3f}", flush=True)


def accuracy(network: torch.nn.Module, cells: Cells) -> float:
    """Share of the images that it gets right."""
    network.eval()
    with torch.no_grad():
        right = [network(images).argmax(1) == labels for images, labels in DataLoader(cells, batch_size=32)]
    return float(torch.cat(right).float().mean())


def spec(cells: Cells) -> dict[str, object]:
    """How the device makes the same numbers of a picture: p * pixel_scale + pixel_offset, by channel."""
    return {
        "classes": cells.classes,
        "preprocessing": {
            "input_size_px": cells.size,
            "fit": "stretch",
            "resample": "bilinear",
            "colour_order": "RGB",
            "pixel_scale": [1 / 255 / deviation for deviation in DEVIATION],
            "pixel_offset": [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)],
        },
    }


def main() -> None:
    """Read the arguments, train, export, and say how far the file is from the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--pretrained", action="store_true")
    asked = parser.parse_args()
    torch.manual_seed(0)
    cells, held_out = (Cells(asked.index, split, asked.size) for split in ("train", "test"))
    network = build(asked.network, len(cells.classes), asked.pretrained)
    train(network, cells, asked.epochs)
    print(f"accuracy on {len(held_out)} held-out images: {accuracy(network, held_out):.4f}")
    example = held_out[0][0][None]
    exported = litert_torch.convert(network.eval(), (example,))
    exported.export(str(asked.output))
    asked.output.with_name("spec.json").write_text(json.dumps(spec(cells), indent=2) + "\n")
    with torch.no_grad():
        apart = float((network(example) - torch.from_numpy(exported(example))).abs().max())
    print(f"{asked.output}: logits differ from PyTorch's by {apart:.1e} at most")


if __name__ == "__main__":
    main()
