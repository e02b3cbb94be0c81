"""All-reduce of float sums by PyTorch's Gloo, in place: gloo_allreduce.py RANKS LENGTHS SECONDS WARM-UP-SECONDS.

Data, check and output are those of bench.h. Gloo sends over TCP, inside a host too.
"""
import socket
import sys
import time

import numpy
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

LEAST_ROUNDS = 10
MOST_ROUNDS = 1000000


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def sizes(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    lengths = [int(length.rstrip("KMG")) * units.get(length[-1], 1) for length in text.split(",")]
    if any(length <= 0 or length % 4 for length in lengths):
        sys.exit(f"bad length in '{text}'")
    return lengths


def elements(count, number, factor, summand):
    """Elements of round `number`; integers wrap as in C."""
    i = numpy.arange(count, dtype=numpy.uint32)
    h = (i + numpy.uint32(number * 0x9E3779B9 & 0xFFFFFFFF)) * numpy.uint32(0x85EBCA6B)
    return ((h >> numpy.uint32(20)) * numpy.uint32(factor) + numpy.uint32(summand)).astype(numpy.float32)


class Rank:
    def __init__(self, rank, ranks):
        self.rank = rank
        self.ranks = ranks
        self.rounds_so_far = 0

    def one_round(self, data):
        """Returns the time of the slowest rank."""
        self.rounds_so_far += 1
        number = self.rounds_so_far
        data.copy_(torch.from_numpy(elements(len(data), number, 1, self.rank)))
        dist.barrier()
        begin = time.monotonic()
        dist.all_reduce(data)
        own = time.monotonic() - begin
        expected = elements(len(data), number, self.ranks, self.ranks * (self.ranks - 1) // 2)
        if not numpy.array_equal(data.numpy(), expected):
            sys.exit(f"rank {self.rank}: the result of round {number} is wrong")
        slowest = torch.tensor([own], dtype=torch.float64)
        dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
        return slowest.item()

    def measure(self, data, seconds):
        begin = time.monotonic()
        times = []
        more = torch.tensor([1])
        while more.item():
            times.append(self.one_round(data))
            n = len(times)
            # Rank 0 decides for all.
            more[0] = n < MOST_ROUNDS and (n < LEAST_ROUNDS or time.monotonic() - begin < seconds)
            dist.broadcast(more, 0)
        return sorted(times)


def run(index, ranks, port, lengths, seconds, warm_up):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=index, world_size=ranks)
    rank = Rank(index, ranks)
    data = {length: torch.empty(length // 4, dtype=torch.float32) for length in lengths}
    for length in lengths:
        rank.measure(data[length], warm_up)
    for length in lengths:
        times = rank.measure(data[length], seconds)
        if index == 0:
            n = len(times)
            figures = (times[(n - 1) // 2], times[int((n - 1) * 0.99)], times[0])
            print(length, *(f"{figure * 1e6:.3f}" for figure in figures), n, flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("gloo_allreduce.py RANKS LENGTHS SECONDS WARM-UP-SECONDS")
    count = int(sys.argv[1])
    options = (count, free_port(), sizes(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
    mp.spawn(run, options, nprocs=count)
