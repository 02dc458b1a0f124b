#!/usr/bin/env python3
"""The aligner of Tessera in PyTorch, trained on random vectors and pairs: only the speed counts.

    tools/benchmarks/peer_aligner.py --precision bf16
    tessera bench align --fusion queries --precision f32

The same shapes, losses, masks, dropout and optimizer; attention by PyTorch's fused function. Prints one JSON line.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

p = argparse.ArgumentParser()
p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
p.add_argument("--items", type=int, default=20_000)
p.add_argument("--dimensions", type=int, nargs="+", default=[384, 1280])
p.add_argument("--fusion", choices=["queries", "perceptron"], default="queries")
p.add_argument("--batch", type=int, default=1024)
p.add_argument("--steps", type=int, default=20)
p.add_argument("--threads", type=int, default=2)
a = p.parse_args()
WIDTH, TOKENS, QUERIES, LAYERS, HEADS, OUTPUT, DROPOUT = 64, 4, 4, 2, 4, 128, 0.2
torch.set_num_threads(a.threads)
torch.manual_seed(1)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.query, self.key_value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        self.output, self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, state, memory):
        split = lambda x: x.unflatten(-1, (HEADS, -1)).transpose(1, 2)
        key, value = self.key_value(memory).chunk(2, -1)
        seen = F.scaled_dot_product_attention(split(self.query(self.first(state))), split(key), split(value))
        state = state + self.dropout(self.output(seen.transpose(1, 2).flatten(2)))
        return state + self.dropout(self.down(F.gelu(self.up(self.second(state)))))


class Aligner(nn.Module):
    def __init__(self):
        super().__init__()
        self.entrances = nn.ModuleList(nn.Linear(d, TOKENS * WIDTH) for d in a.dimensions)
        self.missing = nn.ParameterList(torch.randn(TOKENS * WIDTH) * 0.02 for _ in a.dimensions)
        self.queries = nn.Parameter(torch.randn(QUERIES, WIDTH) * 0.5)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS if a.fusion == "queries" else 0))
        exits = len(a.dimensions) * TOKENS * WIDTH + (QUERIES * WIDTH if a.fusion == "queries" else 0)
        self.output, self.dropout = nn.Linear(exits, OUTPUT), nn.Dropout(DROPOUT)

    def forward(self, inputs, present):
        parts = [torch.where(here[:, None], F.gelu(entrance(self.dropout(x))), missing)
                 for entrance, missing, x, here in zip(self.entrances, self.missing, inputs, present)]
        exits = [self.dropout(torch.cat(parts, -1))]
        if self.layers:
            memory = exits[0].unflatten(-1, (-1, WIDTH))
            state = self.queries.expand(len(memory), -1, -1)
            for layer in self.layers:
                state = layer(state, memory)
            exits.append(state.flatten(1))
        return F.normalize(self.output(torch.cat(exits, -1)).float(), dim=-1)


model = Aligner()
optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01, fused=True)
vectors = [torch.randn(a.items, d) for d in a.dimensions]
present = [torch.rand(a.items) < 0.9 for _ in a.dimensions]
targets = (torch.arange(a.items) + 1 + torch.randint(a.items - 1, (a.items,))) % a.items


def step():
    triggers = torch.randint(a.items, (a.batch,))
    pair = torch.stack([triggers, targets[triggers]])
    items, places = pair.unique(return_inverse=True)
    optimizer.zero_grad(set_to_none=True)
    kept = [here[items] & (torch.rand(len(items)) >= 0.15) for here in present]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.precision == "bf16"):
        rows = model([x[items] for x in vectors], kept)
        logits = rows[places[0]] @ rows[places[1]].T / 0.07
    logits = logits.float()
    same = (pair[1][None] == pair[1][:, None]) | (pair[1][None] == pair[0][:, None])
    logits = logits.masked_fill(same & ~torch.eye(a.batch, dtype=torch.bool), -1e9)
    labels = torch.arange(a.batch)
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


step(); step()
start = time.perf_counter()
for _ in range(a.steps):
    step()
seconds = (time.perf_counter() - start) / a.steps
print(json.dumps({"peer": "PyTorch " + torch.__version__, "fusion": a.fusion, "precision": a.precision, "batch": a.batch,
                  "step_s": round(seconds, 4), "pairs_per_s": round(a.batch / seconds)}))
