#!/usr/bin/env python3
"""Tessera's one-position generator in PyTorch, recommending by beam search: only the speed counts.

    tessera bench recommend --weights weights.safetensors
    tools/benchmarks/peer_beam.py --weights weights.safetensors --precision bf16

or, for a pipeline's served recommender and those whom it is measured on:

    tessera bench recommend --pipeline pipeline.yaml --weights weights.safetensors --data data.json
    tools/benchmarks/peer_beam.py --weights weights.safetensors --data data.json

The same shapes, codes, histories and search. A batch of users goes through the backbone once; the decoder's keys and
values are made once per user and read by all of the user's beams; the items' input vectors are made once for all users,
since they do not change; attention is PyTorch's fused function; dead prefixes are masked by tables on the prefix. With
--weights in fp32, best_score is Tessera's. Users of --data are batched by the length of their histories, so that hardly
anything is padded. Prints one JSON line.
"""
import argparse
import json
import time

import torch
from torch.nn import functional as F

p = argparse.ArgumentParser()
p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
p.add_argument("--items", type=int, default=12_101)
p.add_argument("--levels", type=int, default=3)
p.add_argument("--size", type=int, default=256)
p.add_argument("--history", type=int, default=20)
p.add_argument("--beam", type=int, default=50)
p.add_argument("--users", type=int, default=1024)
p.add_argument("--width", type=int, default=128)
p.add_argument("--layers", type=int, default=2)
p.add_argument("--heads", type=int, default=4)
p.add_argument("--hidden", type=int, default=512)
p.add_argument("--batch", type=int, default=64, help="users at once")
p.add_argument("--threads", type=int, default=2)
p.add_argument("--weights", help="safetensors of 'tessera bench recommend --weights'; random ones without")
p.add_argument("--data", help="JSON of 'tessera bench recommend --pipeline --data'; made-up codes and histories without")
a = p.parse_args()
GIVEN = json.load(open(a.data)) if a.data else None
if GIVEN:
    a.items, a.levels, a.size = len(GIVEN["codes"]), len(GIVEN["sizes"]), max(GIVEN["sizes"])
    a.width, a.layers, a.heads, a.hidden, a.history = (GIVEN[k] for k in ("width", "layers", "heads", "hidden", "history"))
    a.users = len(GIVEN["histories"])
torch.set_num_threads(a.threads)
torch.manual_seed(1)
TYPE = torch.bfloat16 if a.precision == "bf16" else torch.float32
DEAD = -1e9


def mixed(value):
    mask = (1 << 64) - 1
    z = (value + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def item_codes():
    if GIVEN:
        return GIVEN["codes"]
    codes, seen = [], set()
    for item in range(a.items):
        own = [mixed(item * a.levels + level + 1) % a.size for level in range(a.levels)]
        if a.levels > 1:
            own[1] = (own[0] * 31 + mixed(item * a.levels + 2) % min(24, a.size)) % a.size
        while tuple(own) in seen:
            own[-1] = (own[-1] + 1) % a.size
        seen.add(tuple(own))
        codes.append(own)
    return codes


class Trie:
    """By level: for each live prefix and code the number of the prefix with that code, or -1."""

    def __init__(self, codes):
        self.next = []
        self.numbers = []
        for length in range(1, a.levels + 1):
            live = {prefix: number for number, prefix in enumerate(sorted({tuple(own[:length]) for own in codes}))}
            parents = self.numbers[-1] if self.numbers else {(): 0}
            table = torch.full((len(parents), a.size), -1, dtype=torch.int64)
            for prefix, number in live.items():
                table[parents[prefix[:-1]], prefix[-1]] = number
            self.numbers.append(live)
            self.next.append(table)
        self.masks = [torch.where(table < 0, DEAD, 0.0) for table in self.next]


class Generator:
    def __init__(self, codes, trie):
        self.codes, self.trie = torch.tensor(codes), trie
        stored = {}
        if a.weights:
            from safetensors.torch import load_file
            stored = {name.removeprefix("network."): value for name, value in load_file(a.weights).items()}

        def get(name, *shape, fill=None):
            if name in stored:
                return stored[name].reshape(shape).float()
            return torch.randn(shape) * 0.02 if fill is None else torch.full(shape, float(fill))

        def linear(name, inputs, outputs):
            return get(name + ".weight", outputs, inputs).to(TYPE), get(name + ".bias", outputs, fill=0).to(TYPE)

        def norm(name):
            return get(name + ".weight", a.width, fill=1).to(TYPE), get(name + ".bias", a.width, fill=0).to(TYPE)

        def forward_part(name):
            return (norm(name + ".feedForwardNorm"), linear(name + ".feedForward.up", a.width, a.hidden),
                    linear(name + ".feedForward.down", a.hidden, a.width))

        tables = [get(f"codes.{level}.weight", a.size, a.width) for level in range(a.levels)]
        vectors = sum(table[self.codes[:, level]] for level, table in enumerate(tables))
        count = sum(table.numel() for table in tables)
        for length in range(2, a.levels + 1):
            live = trie.numbers[length - 1]
            table = get(f"prefixes.{length}.weight", len(live), a.width)
            vectors = vectors + table[torch.tensor([live[tuple(own[:length])] for own in codes])]
            count += table.numel()
        weight, bias = get("inputNorm.weight", a.width, fill=1), get("inputNorm.bias", a.width, fill=0)
        normalized = lambda x: F.layer_norm(x, (a.width,), weight, bias, 1e-5)
        self.items = normalized(vectors).to(TYPE)
        self.begin = normalized(get("begin", a.width)).to(TYPE)
        self.tables = [table.to(TYPE) for table in tables]
        self.biases = [get(f"biases.{level}", a.size, fill=0).to(TYPE) for level in range(a.levels)]
        self.places = get("places.weight", max(1, a.history) + 1, a.width).to(TYPE)
        self.levels = get("levels.weight", a.levels, a.width).to(TYPE)
        self.blocks = [(norm(f"blocks.{i}.selfNorm"), linear(f"blocks.{i}.selfAttention.qkv", a.width, 3 * a.width),
                        linear(f"blocks.{i}.selfAttention.output", a.width, a.width), forward_part(f"blocks.{i}"))
                       for i in range(a.layers)]
        self.state_norm = norm("stateNorm")
        self.cross_norm = norm("decoder.crossNorm")
        self.query = linear("decoder.crossAttention.query", a.width, a.width)
        self.key_value = linear("decoder.crossAttention.keyValue", a.width, 2 * a.width)
        self.output = linear("decoder.crossAttention.output", a.width, a.width)
        self.forward = forward_part("decoder")
        self.output_norm = norm("decoder.outputNorm")

    @staticmethod
    def split(x):
        return x.unflatten(-1, (a.heads, -1)).transpose(1, 2)

    @staticmethod
    def join(x):
        return x.transpose(1, 2).flatten(2)

    @staticmethod
    def norm(x, parts):
        return F.layer_norm(x, (a.width,), *parts, 1e-5)

    def feed_forward(self, x, parts):
        return x + F.linear(F.gelu(F.linear(self.norm(x, parts[0]), *parts[1])), *parts[2])

    def states(self, histories):
        """Of rows that are padded at their ends: a row sees none behind it."""
        begin = self.begin.expand(len(histories), 1, -1)
        x = torch.cat([begin, self.items[histories]], 1) + self.places[: histories.shape[1] + 1]
        for norm, qkv, output, forward in self.blocks:
            q, k, v = F.linear(self.norm(x, norm), *qkv).chunk(3, -1)
            seen = F.scaled_dot_product_attention(self.split(q), self.split(k), self.split(v), is_causal=True)
            x = self.feed_forward(x + F.linear(self.join(seen), *output), forward)
        return self.norm(x, self.state_norm)

    def decode(self, x, keys, values, seen):
        query = F.linear(self.norm(x, self.cross_norm), *self.query)
        read = F.scaled_dot_product_attention(self.split(query), keys, values, attn_mask=seen)
        x = self.feed_forward(x + F.linear(self.join(read), *self.output), self.forward)
        return self.norm(x, self.output_norm)

    def recommend(self, histories, lengths=None):
        """The best full prefixes of each user and their scores, best first; lengths where some are padded."""
        states = self.states(histories)
        keys, values = map(self.split, F.linear(states, *self.key_value).chunk(2, -1))
        last, seen = states[:, -1:], None
        if lengths is not None:
            last = states[torch.arange(len(lengths)), lengths][:, None]
            seen = (torch.arange(states.shape[1]) <= lengths[:, None])[:, None, None]
        scores = torch.zeros(len(histories), 1)
        prefixes = torch.zeros(len(histories), 1, dtype=torch.int64)
        written = torch.zeros_like(last)
        for level in range(a.levels):
            x = self.decode(last + self.levels[level] + written, keys, values, seen)
            logits = F.linear(x, self.tables[level], self.biases[level]).float()
            live = F.log_softmax(logits + self.trie.masks[level][prefixes], -1)
            total = (scores[..., None] + live).flatten(1)
            scores, best = total.topk(min(a.beam, total.shape[1]), 1)
            beams, codes = best // a.size, best % a.size
            prefixes = self.trie.next[level][prefixes.gather(1, beams), codes]
            if level + 1 < a.levels:
                written = written.expand(-1, beams.shape[1], -1) if level == 0 else written.gather(
                    1, beams[..., None].expand(-1, -1, a.width))
                written = written + self.tables[level][codes]
        return prefixes, scores


def user_batches():
    """Histories, and their lengths where some of a batch are padded."""
    if not GIVEN:
        made = torch.tensor([[mixed((user << 20) + place + 77) % a.items for place in range(a.history)]
                             for user in range(a.users)], dtype=torch.int64).reshape(a.users, a.history)
        return [(batch,) for batch in made.split(a.batch)]
    users, batches = sorted(GIVEN["histories"], key=len), []
    for first in range(0, len(users), a.batch):
        part = users[first:first + a.batch]
        longest = max(map(len, part))
        rows = torch.tensor([user + [0] * (longest - len(user)) for user in part], dtype=torch.int64)
        lengths = torch.tensor([len(user) for user in part])
        batches.append((rows,) if len(part[0]) == longest else (rows, lengths))
    return batches


@torch.inference_mode()
def main():
    codes = item_codes()
    trie = Trie(codes)
    model = Generator(codes, trie)
    batches = user_batches()
    model.recommend(*batches[0])
    start = time.perf_counter()
    answers = [model.recommend(*batch) for batch in batches]
    seconds = time.perf_counter() - start
    best = torch.cat([scores[:, 0] for _, scores in answers])
    # A dead prefix can be among the best only where fewer than the beam are live.
    illegal = sum(int((scores < DEAD / 2).sum()) for _, scores in answers)
    print(json.dumps({"peer": "PyTorch " + torch.__version__, "precision": a.precision, "items": a.items,
                      "history": a.history, "beam": a.beam, "users": a.users, "batch": a.batch,
                      "users_per_s": round(a.users / seconds, 1), "best_score": float(best.double().mean()),
                      "illegal_ids": illegal}))


if __name__ == "__main__":
    main()
