"""Lesson 6, batched, on the GPU: everything at once, what n² costs, and attention without the n × n matrix."""

import math
import statistics
import time

import torch
from torch.nn import functional as F


def batched_attention(query, key, value, mask=None):
    """softmax(QKᵀ / √d_k) V over the permitted keys, for all batches and heads in one product.

    query (..., n_q, d_k), key (..., n_k, d_k), value (..., n_k, d_v), mask that broadcasts to (..., n_q, n_k)
    → output (..., n_q, d_v), of the dtype and on the device of the query
    """
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1)  # q·k alone may overflow float16
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # such a row was 0 / 0
    return weights @ value


def attention_flops(batch, heads, num_queries, num_keys, d_head):
    """Operations of QKᵀ and of weights · V, each 2 · n_q · n_k · d_head in every head: a multiply-add counts as 2.

    Positive integers → an integer
    """
    return 4 * batch * heads * num_queries * num_keys * d_head


def score_matrix_bytes(batch, heads, num_queries, num_keys, dtype):
    """Bytes of one tensor of scores (batch, heads, num_queries, num_keys) of that torch.dtype.

    Positive integers and a torch.dtype → an integer
    """
    return batch * heads * num_queries * num_keys * dtype.itemsize


def fused_attention(query, key, value, mask=None):
    """`batched_attention` through PyTorch's own kernel, which may never hold the scores.

    Shapes, mask and output as there
    """
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value)
    mask = torch.atleast_2d(mask)  # it asks for an axis of the queries
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return output.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # kernels differ where no key is permitted


def tiled_attention(query, key, value, block_size):
    """softmax(QKᵀ / √d_k) V without the n_q × n_k matrix: online softmax over blocks of keys.

    Milakov & Gimelshein 2018; Dao et al. 2022, algorithm 1. Half precision is computed in float32.
    query (..., n_q, d_k), key (..., n_k, d_k), value (..., n_k, d_v), block_size keys at a time
    → output (..., n_q, d_v)
    """
    num_heads = math.prod(query.shape[:-2])
    rows = max(2**19 // (num_heads * block_size), 32)  # a tile of two megabytes stays in a processor's cache
    dtype = torch.promote_types(query.dtype, torch.float32)
    outputs = []
    for some in query.split(rows, dim=-2):
        scaled = some.to(dtype) / math.sqrt(query.shape[-1])
        largest = scaled.new_full((*scaled.shape[:-1], 1), -math.inf)
        denominator = torch.zeros_like(largest)
        output = scaled.new_zeros(*scaled.shape[:-1], value.shape[-1])
        for keys, values in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2), strict=True):
            scores = scaled @ keys.to(dtype).transpose(-2, -1)
            previous, largest = largest, torch.maximum(largest, scores.detach().amax(dim=-1, keepdim=True))
            exponentials = scores.sub_(largest).exp_()
            rescale = torch.exp(previous - largest)  # what was summed so far belongs to another maximum
            denominator = denominator * rescale + exponentials.sum(dim=-1, keepdim=True)
            output = torch.addcmul(exponentials @ values.to(dtype), output, rescale)
        outputs.append((output / denominator).to(query.dtype))
    return torch.cat(outputs, dim=-2)


def benchmark(function, *inputs, repeats=5):
    """The median duration of `repeats` calls in seconds, wall clock, after one call that is not timed.

    A GPU works on while Python goes ahead; where an input lives on one, each reading of the clock waits for it.
    """
    devices = {each.device for each in inputs if isinstance(each, torch.Tensor)}

    def read_clock():
        for device in devices:
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            elif device.type == "mps":
                torch.mps.synchronize()
        return time.perf_counter()

    function(*inputs)
    seconds = []
    for _ in range(repeats):
        start = read_clock()
        function(*inputs)
        seconds.append(read_clock() - start)
    return statistics.median(seconds)


def cost_answers():
    """What stands in the gaps A, B, C, D, E, F, G and H, in that order.

    → eight words out of "half", "the same", "twice", "four times"; a word may stand in several gaps
    """
    return "four times", "four times", "twice", "the same", "twice", "the same", "the same", "twice"
