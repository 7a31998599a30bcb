"""A service that classifies handwritten digits, and the energy and the grams of a request.

    trainwatt run --project digits --stage inference -- python examples/inference_service.py
    trainwatt show --per requests

It answers requests of its own clients, from several threads, and ends.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import Request, urlopen

import torch
from digits import loaders, network

from trainwatt import EnergyTracker

tracker = EnergyTracker(project="digits", stage="inference", name="inference_service")
model = network().eval()


class Handler(BaseHTTPRequestHandler):
    """Answers a list of images with a list of digits."""

    def do_POST(self) -> None:
        images = torch.tensor(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        with tracker.phase("classify"), torch.no_grad():
            digits = model(images).argmax(dim=1).tolist()
        tracker.update(requests=1, images=len(digits))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(digits).encode())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def main(requests: int) -> None:
    """Serve so many requests."""
    with tracker, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        images = next(iter(loaders(batch_size=16)[1]))[0].tolist()
        asked = Request(f"http://127.0.0.1:{server.server_port}", json.dumps(images).encode())
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: json.load(urlopen(asked)), range(requests)))
        server.shutdown()
    print(f"{len(answers)} answers of {len(answers[0])} digits")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=400)
    main(parser.parse_args().requests)
