"""The life of a small model: data, experiments, a training, and a service: python examples/life_of_a_model.py

Each part is measured as a run of its stage. One experiment is killed, and one training does not become the model. Then the commands say
what all of it cost, what would have made it smaller, what was lost, and what a model card says. It takes about half a minute.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from digits import SEED, loaders
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from trainwatt import EnergyTracker

PROJECT = "life_of_a_model"
LEARNING_RATES = (1e-2, 1e-3, 1e-4)
KILLED_AFTER_S = 3.0
"""After its first epoch: long enough that energy is stored, which happens every two seconds."""
ZONE, PUE = "FR", 1.2
LIFE = """
[model]
name = "digits"
project = "life_of_a_model"

[[add]]
stage = "data"
name = "storage for a year"
energy_kwh = [0.000005, 0.00001, 0.00002]
zone = "FR"
pue = 1.2
source = "a guess of this example: 1.2 MB of a disk of 8 TB and 8 W"

[inference]
unit = "requests"
per_day = [5, 10, 30]
days = 365
runs = ["{service}"]

[disclosure]
training_type = "pre-training"
"""


def prepare(folder: Path) -> None:
    """Each image of the training data, and four of it that are moved by a pixel."""
    with EnergyTracker(project=PROJECT, name="prepare", stage="data", zone=ZONE, pue=PUE) as tracker:
        images, labels = loaders()[0].dataset[:]
        moved = [images, *(torch.roll(images, step, dims) for step in (1, -1) for dims in (2, 3))]
        torch.save((torch.cat(moved), labels.repeat(len(moved))), folder / "data.pt")
        tracker.update(samples=len(images) * len(moved))


def train(folder: Path, stage: str, name: str, rate: float, epochs: int, *, final: bool = False, says: bool = False) -> nn.Module:
    """Train a network with one hidden layer on the prepared data. `says`: print a line after each epoch."""
    torch.manual_seed(SEED)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    images, labels = torch.load(folder / "data.pt")
    loader = DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=64, shuffle=True)
    tags = {"rate": f"{rate:g}", **({"final": "yes"} if final else {})}
    with EnergyTracker(project=PROJECT, name=name, stage=stage, tags=tags, zone=ZONE, pue=PUE) as tracker:
        for epoch in range(epochs):
            with tracker.phase("train", step=epoch):
                for batch, answers in tracker.wrap(loader):
                    loss = cross_entropy(model(batch), answers)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
            if says:
                print(epoch, flush=True)
    return model


def killed_experiment(folder: Path) -> None:
    """An experiment in a process of its own, which is killed while it trains."""
    command = [sys.executable, __file__, "--experiment", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as experiment:
        assert experiment.stdout is not None
        experiment.stdout.readline()
        time.sleep(KILLED_AFTER_S)
        experiment.send_signal(signal.SIGKILL)


def serve(model: nn.Module, requests: int) -> str:
    """A web service that reads digits, and as many requests to it. Returns the id of its run."""
    model.eval()
    images, _ = loaders()[1].dataset[:]

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            pixels = torch.tensor(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            with torch.no_grad():
                answer = str(int(model(pixels.reshape(1, 1, 8, 8)).argmax()))
            tracker.update(requests=1)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with (
        EnergyTracker(project=PROJECT, name="service", stage="inference", zone=ZONE, pue=PUE) as tracker,
        ThreadingHTTPServer(("127.0.0.1", 0), Service) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for number in range(requests):
            body = json.dumps(images[number % len(images)].flatten().tolist()).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}", body) as answer:
                answer.read()
        server.shutdown()
    return tracker.run_id or ""


def trainwatt(*arguments: str, folder: Path) -> None:
    """Run a command, and print it with its output."""
    print(f"\n$ trainwatt {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "trainwatt", *arguments], check=True, cwd=folder)


def main() -> None:
    """Live the life, and show what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path("life"), help="where data and life.toml are written")
    parser.add_argument("--experiment", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.experiment is not None:
        train(options.experiment, "experimentation", "try-killed", 1e-1, 10_000, says=True)
        return
    folder: Path = options.folder.resolve()
    folder.mkdir(exist_ok=True)
    print("preparing data", flush=True)
    prepare(folder)
    for rate in LEARNING_RATES:
        print(f"trying a learning rate of {rate:g}", flush=True)
        train(folder, "experimentation", f"try-{rate:g}", rate, options.epochs)
    print("trying a learning rate of 0.1, which is killed", flush=True)
    killed_experiment(folder)
    print("training twice; the second one becomes the model", flush=True)
    train(folder, "training", "first", 1e-2, options.epochs)
    model = train(folder, "training", "second", 1e-3, options.epochs, final=True)
    print(f"serving {options.requests} requests", flush=True)
    (folder / "life.toml").write_text(LIFE.format(service=serve(model, options.requests)))
    trainwatt("life", folder=folder)
    trainwatt("life", "-o", "life.html", folder=folder)
    trainwatt("whatif", "--project", PROJECT, "--zone", "SE", "--lifetime-years", "6", folder=folder)
    trainwatt("advise", "--project", PROJECT, folder=folder)
    trainwatt("disclose", "--form", "huggingface", folder=folder)


if __name__ == "__main__":
    main()
