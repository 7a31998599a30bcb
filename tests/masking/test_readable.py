"""What is no secret stays as it is: names of files and models, numbers, hashes, options about tokens of a text."""

from __future__ import annotations

import importlib
import keyword
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes.world import ROOT
from trainwatt.masking.names import Kind, kind_of
from trainwatt.masking.shapes import MASK
from trainwatt.masking.text import masked, scrubbed

READABLE = (
    "python train.py --tokenizer bert --max-tokens 512 --author me",
    "train.py --pad-token '<pad>' --eos-token-id 2 --mask_token [MASK] --bos_token '<s>' --num-tokens 5 --tokens-per-batch 4096",
    "train.py --token-dropout 0.1 --token-type bpe --placeholder_token '<cat>' --initializer_token toy",
    "train.py --text-key text --image_key image --sort-key name --primary-key id --label_key y --key-frame 3",
    "train.py --passes 3 --bypass --compass north --pass-rate 0.5 --secretary bob --design x --signal 3 --patience 5 --no-auth",
    "train.py --auth-type basic --password-file /run/secrets/db --token-path ~/.cache/token --beam-size 4 --lr 1e-3 --seed 123456789012",
    "commit 48930a1f2d8b4c6e9f0a1b2c3d4e5f6071829304",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "--revision 48930a1f2d8b4c6e9f0a1b2c3d4e5f6071829304 --md5 9e107d9d372bb6826bd81d3542a419d6",
    "--hash sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "GPU-5c1f2d3e-4f89-11d3-9a0c-0305e82c3301 MIG-3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "/data/imagenet/train/n01440764/n01440764_10026.JPEG",
    "/nix/store/0c2n8p4xk1v3w9z7q5m6b8d2f4h0j1l3-python3-3.12/bin/python",
    "/root/.triton/cache/KX4QJ7ZB2MWNR5TYV6PDL3HFCGSA/kernel.so",
    "runs/2024-05-01/12-30-11/checkpoints/epoch=3-step=1000.ckpt",
    "wandb/run-20240501_123011-3kz9x1ab/files",
    "meta-llama/Llama-3.1-70B-Instruct-GPTQ-Int4 Qwen/Qwen2.5-Coder-32B-Instruct-AWQ EleutherAI/pythia-6.9b-deduped-v0",
    "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k timm/vit_base_patch16_clip_224.openai_ft_in12k_in1k google/siglip-so400m-patch14-384",
    "distilbert-base-uncased-finetuned-sst-2-english sentence-transformers/all-MiniLM-L6-v2 deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
    "AutoModelForSequenceClassification DistributedDataParallelStrategy ResNet50ImageNet1kV2Weights",
    "undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationESs",
    "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 79.15 GiB total capacity; 77 GiB already allocated)",
    "KeyError: 'image'",
    "forward pass: 3 ms",
    "give `--token` or `--password` with it, as in postgresql://USER@HOST/DATABASE or ssh://git@host/a",
    "the password is wrong; password for user me; password authentication failed",
    "TimeoutError: token bucket is empty",
    "Unexpected token < in JSON at position 0",
    "signature: (x, y)",
    "torchrun --nproc-per-node 8 --rdzv-id 1234 --rdzv-endpoint host:29500 train.py",
    "http://localhost:8888/tree?x=1 tcp://10.0.0.1:29500 s3://bucket/path git@github.com:org/repo.git me@example.com",
    "docker run -p 8080:80 nvcr.io/nvidia/pytorch:24.01-py3",
    "pytorch/pytorch:2.1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "ssh -p 22 me@host mkdir -p /a/b",
    "sk-learn-pipeline hf_transformers npm_config_cache pypi-server key-value",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "2026-11-29T00:49:57.123456+00:00 1764377397123456789",
    "lr=0.1,batch_size=32,tokenizer=bert,warmup=100",
    "{'tokenizer': 'bert', 'max_tokens': 512, 'author': 'me', 'token_type_ids': [0, 1]}",
    "echo a b | tee log && cat <<< text > x",
    "{'pad_token': '<pad>', 'eos_token_id': 2, 'use_auth_token': None}",
)


@pytest.mark.parametrize("text", READABLE)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrubbed(text) == text
    assert scrubbed(repr(text)) == repr(text)
    assert MASK not in masked(text.split(" "))
    assert MASK not in masked(["bash", "-c", text])


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            Kind.STRONG,
            "password dbPassword PGPASSWORD MYSQL_PWD sshpass client_secret clientSecret AWS_SECRET_ACCESS_KEY WANDB_API_KEY apiKey",
        ),
        (Kind.STRONG, "APIKey X-Api-Key private_key Authorization proxy-authorization passphrase SECRET_KEY_2 api_keys refresh_tokens otp"),
        (Kind.STRONG, "AccountKey SharedAccessKey STRIPE_KEY cookie _authToken_secret GOOGLE_CREDENTIALS passwort X-Amz-Credential"),
        (Kind.TOKEN, "token HF_TOKEN accessToken X-Amz-Security-Token --auth oauth key GITHUB_TOKEN_2 token_value _authToken"),
        (Kind.WORDY, "pass DB_PASS sig X-Amz-Signature pw GITHUB_PAT"),
        (Kind.NONE, "tokenizer max_tokens --author authority pad_token eosToken text_key imageKey keyboard monkey passes passage bypass"),
        (Kind.NONE, "token_id tokenType password_file secret_name auth_type key_frame signal design patience pattern path secretary"),
    ],
)
def test_a_name_tells_whether_it_is_that_of_a_secret(kind: Kind, names: str) -> None:
    assert {name: kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def test_the_keys_of_a_program_stay() -> None:
    text = "sorted(rows, key=lambda row: row.id); {key: value for key, value in x}; if key == 'lr': pass"
    assert scrubbed(text) == text
    assert masked(["python", "-c", text]) == f"python -c '{text}'"
    assert scrubbed("key='hunter2', key: hunter2") == "key='***', key: ***"
    assert masked(["x", "--key", "hunter"]) == "x --key ***"


def test_names_in_programs_stay() -> None:
    """Every name and word of our own files, and of the standard library's names."""
    words = set(keyword.kwlist) | set(sys.stdlib_module_names)
    for name in (
        "argparse",
        "asyncio",
        "email",
        "http.client",
        "json",
        "logging",
        "multiprocessing",
        "os",
        "subprocess",
        "typing",
        "unittest",
    ):
        words |= set(dir(importlib.import_module(name)))
    assert {word for word in words if scrubbed(word) != word} == set()
    paths = [
        str(path.relative_to(ROOT.parent))
        for folder in ("tracker", "docs", "examples", "integrations")
        for path in (ROOT / folder).rglob("*.*")
    ]
    assert {path for path in paths if scrubbed(path) != path} == set()


def test_the_files_of_this_machine_stay() -> None:
    """Names of installed files: those of libraries, with all their abbreviations. As absolute paths, and as parts of them."""
    paths = [str(path) for path in Path(pytest.__file__).parent.parent.rglob("*.py")][:3_000]
    assert {path for path in paths if scrubbed(path) != path} == set()
    changed = {path for path in paths if scrubbed(path.rpartition("site-packages/")[2]) != path.rpartition("site-packages/")[2]}
    assert len(changed) <= len(paths) / 1_000


FORMS = ["{:x}", "{:040x}", "{:064x}", "{:X}", "{:d}", "v{:x}", "V{:X}", "v0.1.0-12-g{:x}", "run-{:012x}", "/a/{:x}/b"]


@given(st.integers(0, 2**256), st.sampled_from(FORMS))
@example(14_076_821_658_306_007_193, "v{:x}")
def test_numbers_and_digests_stay(number: int, form: str) -> None:
    text = form.format(number)
    assert scrubbed(f"at {text}") == f"at {text}"
    assert masked(["git", "checkout", text]) == f"git checkout {text}"


@given(st.uuids())
def test_uuids_stay(number: object) -> None:
    assert scrubbed(f"GPU-{number} {number}") == f"GPU-{number} {number}"
