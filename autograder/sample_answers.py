"""What the made-up learners of the demo answer in lessons 3 to 6, where it is not the reference.

Right answers in other styles, and mistakes that have a name.
"""

LATER: dict[str, dict[str, str]] = {
    "blaise": {
        "entropy": """\
def entropy(weights):
    if weights.ndim > 1:
        return np.array([entropy(row) for row in weights])
    return np.float64(-sum(w * np.log(w) for w in weights if w > 0))""",
        "softmax_jacobian": """\
def softmax_jacobian(weights):
    n = len(weights)
    return np.array([[weights[i] * ((i == j) - weights[j]) for j in range(n)] for i in range(n)])""",
        "causal_mask": """\
def causal_mask(length):
    return np.array([[key <= query for key in range(length)] for query in range(length)])""",
        "benchmark": """\
import time

def benchmark(function, *inputs, repeats=5):
    function(*inputs)
    seconds = []
    for _ in range(repeats):
        began = time.monotonic()
        function(*inputs)
        seconds.append(time.monotonic() - began)
    seconds.sort()
    return (seconds[(repeats - 1) // 2] + seconds[repeats // 2]) / 2""",
    },
    "chen": {
        "scaled_dot_product_attention": """\
def scaled_dot_product_attention(query, key, value):
    scores = np.einsum("...qd,...kd->...qk", query, key) / query.shape[-1] ** 0.5
    weights = softmax(scores)
    return np.einsum("...qk,...kv->...qv", weights, value), weights""",
        "padding_mask": """\
def padding_mask(lengths, max_length):
    return np.stack([[np.arange(max_length) < length] for length in lengths])""",
        "merge_heads": """\
def merge_heads(x):
    batch, heads, n, d_head = x.shape
    return x.permute(0, 2, 1, 3).reshape(batch, n, heads * d_head)""",
    },
    "fatima": {
        "scaled_dot_product_attention": """\
def scaled_dot_product_attention(query, key, value):
    weights = softmax(query @ np.swapaxes(key, -1, -2))
    return weights @ value, weights""",
        "causal_mask": """\
def causal_mask(length):
    return np.triu(np.ones((length, length), dtype=bool))""",
        "merge_heads": """\
def merge_heads(x):
    return x.reshape(x.shape[0], x.shape[2], -1)""",
        "score_matrix_bytes": """\
def score_matrix_bytes(batch, heads, num_queries, num_keys, dtype):
    return batch * heads * num_queries * num_keys * 4""",
    },
    "goro": {
        "entropy": """\
def entropy(weights):
    return -(weights * np.log(weights)).sum(axis=-1)""",
        "sees_the_future": """\
def sees_the_future(attention, length, d_model, rng):
    x = rng.normal(size=(length, d_model))
    changed = x.copy()
    changed[-1] += 1.0
    return length > 1 and bool(np.abs(attention(x) - attention(changed))[:-1].max() > 1e-9)""",
        "parameter_count": """\
def parameter_count(d_model, num_heads, bias=True):
    return 3 * (d_model**2 + (d_model if bias else 0))""",
        "benchmark": """\
import statistics, time

def benchmark(function, *inputs, repeats=5):
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function(*inputs)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)""",
    },
    "hana": {
        "scaled_dot_product_attention": """\
def scaled_dot_product_attention(query, key, value):
    weights = softmax(query @ np.swapaxes(key, -1, -2) / key.shape[-1])
    return weights @ value, weights""",
        "split_heads": """\
def split_heads(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError("the heads do not divide d_model")
    return x.reshape(x.shape[0], num_heads, x.shape[1], -1)""",
        "attention_flops": """\
def attention_flops(batch, heads, num_queries, num_keys, d_head):
    return 2 * batch * heads * num_queries * num_keys * d_head""",
    },
    "ivan": {
        "softmax_jacobian": """\
def softmax_jacobian(weights):
    return np.outer(weights, weights) - np.diag(weights)""",
        "masked_softmax": """\
def masked_softmax(scores, mask):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True) * mask""",
        "tiled_attention": """\
def tiled_attention(query, key, value, block_size):
    largest = torch.zeros(*query.shape[:-1], 1, dtype=query.dtype)
    total, output = torch.zeros_like(largest), 0
    for k, v in zip(key.split(block_size, -2), value.split(block_size, -2)):
        scores = query @ k.mT / query.shape[-1] ** 0.5
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        e, shrink = torch.exp(scores - new), torch.exp(largest - new)
        total, output = total * shrink + e.sum(-1, keepdim=True), output * shrink + e @ v
        largest = new
    return output / total""",
    },
}
