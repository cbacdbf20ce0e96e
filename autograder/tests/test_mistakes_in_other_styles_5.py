"""The mistakes of lesson 5, by hand in other styles than the exercises' own: they fail, and are named."""

import math

import torch
from attention_lab.broken import broken_attention
from attention_lab.judge import judge
from torch import nn
from torch.nn import functional as F

from autograder.tests.written import WrittenAndTold, assert_named, each, listed_mistakes
from solutions.multi_head import merge_heads, repaired_attention, split_heads

wrong = WrittenAndTold()


# ---- split_heads, merge_heads, parameter_count


@wrong("split_heads", "split-without-transpose")
def straight_to_the_shape(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError
    return x.view(x.size(0), num_heads, x.size(1), -1)


@wrong("split_heads", "split-without-transpose")
def only_unflattened(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError
    return x.unflatten(-1, (num_heads, -1))


@wrong("split_heads", "split-interleaved")
def every_other_feature(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError
    return torch.stack([x[..., head::num_heads] for head in range(num_heads)], 1)


@wrong("split_heads", "no-divisibility-error")
def left_to_view(x, num_heads):
    return x.view(*x.shape[:2], num_heads, -1).transpose(1, 2)


@wrong("split_heads", "no-divisibility-error")
def asserted(x, num_heads):
    assert x.shape[-1] % num_heads == 0, "indivisible"
    return split_heads(x, num_heads)


@wrong("split_heads", "no-divisibility-error")
def cut_to_whole_heads(x, num_heads):
    d_head = x.shape[-1] // num_heads
    return torch.stack([x[..., head * d_head : (head + 1) * d_head] for head in range(num_heads)], dim=1)


@wrong("split_heads", "split-without-transpose", "no-divisibility-error")
def one_reshape_and_no_question(x, num_heads):
    return x.reshape(len(x), num_heads, x.shape[1], x.shape[2] // num_heads)


@wrong("merge_heads", "merge-without-transpose")
def straight_back(x):
    return x.contiguous().view(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


@wrong("merge_heads", "merge-without-transpose")
def each_head_in_a_row(x):
    return x.reshape(x.shape[0], x.shape[1], -1)


@wrong("merge_heads", "merge-averages-heads")
def mean_of_heads(x):
    return sum(x.unbind(1)) / x.shape[1]


@wrong("merge_heads", "merge-averages-heads")
def sum_of_heads(x):
    return torch.einsum("bhnd->bnd", x)


@wrong("merge_heads", "merge-along-sequence")
def joined_along_axis_1(x):
    return torch.cat(list(x.unbind(1)), dim=1)


@wrong("parameter_count", "parameters-times-heads")
def for_every_head(d_model, num_heads, bias=True):
    return sum(4 * (d_model * d_model + (d_model if bias else 0)) for _ in range(num_heads))


@wrong("parameter_count", "parameters-times-heads")
def three_for_every_head_and_one_for_all(d_model, num_heads, bias=True):
    each = d_model * (d_model + bias)
    return 3 * num_heads * each + each


@wrong("parameter_count", "bias-forgotten")
def four_squares(d_model, num_heads, bias=True):
    return (2 * d_model) ** 2


@wrong("parameter_count", "bias-forgotten")
def always_with_biases(d_model, num_heads, bias=True):
    return sum(p.numel() for p in nn.Linear(d_model, d_model).parameters()) * 4


@wrong("parameter_count", "output-projection-uncounted")
def queries_keys_values(d_model, num_heads, bias=True):
    return 3 * sum(p.numel() for p in nn.Linear(d_model, d_model, bias).parameters())


# ---- repaired_attention: each bug left in, two of them, and mistakes made on the way


def weights_of(query, key, mask, divisor=None, dim=-1, fill=-math.inf, mend=True):
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / (divisor or key.shape[-1] ** 0.5)
    if mask is not None:
        scores = torch.where(mask, scores, fill)
    weights = F.softmax(scores, dim)
    return weights if mask is None or not mend else weights * mask.any(-1, keepdim=True)


def blended(weights, value):
    return torch.matmul(weights, value), weights


@wrong("repaired_attention", "scaled-by-sqrt-d_model")
def the_scale_left(query, key, value, mask=None):
    d_model = query.shape[1] * query.shape[3]
    weights = weights_of(query, key, mask, d_model**0.5)
    return blended(weights.nan_to_num(), value)


@wrong("repaired_attention", "softmax-over-heads")
def the_axis_left(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, dim=1, fill=-1e9), value)


@wrong("repaired_attention", "softmax-over-heads")
def the_axis_left_and_infinity(query, key, value, mask=None):
    weights = weights_of(query, key, mask, dim=1, mend=False)
    return blended(weights if mask is None else weights.masked_fill(~mask.any(-1, keepdim=True), 0), value)


@wrong("repaired_attention", "mask-as-zero-score")
def the_fill_left(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, fill=1e-9), value)


@wrong("repaired_attention", "mask-as-zero-score")
def hidden_scores_multiplied_away(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    return blended(torch.softmax(scores if mask is None else scores * mask, -1), value)


@wrong("repaired_attention", "scaled-by-sqrt-d_model", "softmax-over-heads")
def scale_and_axis_left(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, (query.shape[1] * query.shape[3]) ** 0.5, 1, -1e9), value)


@wrong("repaired_attention", "scaled-by-sqrt-d_model", "mask-as-zero-score")
def scale_and_fill_left(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, (query.shape[1] * query.shape[3]) ** 0.5, fill=1e-9), value)


@wrong("repaired_attention", "softmax-over-heads", "mask-as-zero-score")
def axis_and_fill_left(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, dim=1, fill=1e-9), value)


@wrong("repaired_attention", "unscaled")
def the_scale_taken_out(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, 1.0).nan_to_num(), value)


@wrong("repaired_attention", "scaled-by-d_k")
def the_root_lost(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, query.shape[-1]).nan_to_num(), value)


@wrong("repaired_attention", "softmax-over-queries")
def dim_minus_two(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, dim=-2, fill=torch.finfo(query.dtype).min), value)


@wrong("repaired_attention", "fill-too-small")
def the_sign_mended_only(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, fill=-1e4), value)


@wrong("repaired_attention", "mask-inverted")
def the_tilde_removed(query, key, value, mask=None):
    return blended(weights_of(query, key, None if mask is None else mask.logical_not()).nan_to_num(), value)


def with_tildes(fill, line):
    """Each of the two lines reads the mask with its `~` (True) or without; `line` None: there is no such line."""

    def one_tilde_forgotten(query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask if fill else mask, -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None and line is not None:
            seen = mask.any(dim=-1, keepdim=True)
            weights = weights.masked_fill(~seen if line else seen, 0.0)
        return weights @ value, weights

    return one_tilde_forgotten


wrong("repaired_attention", "mask-inverted")(with_tildes(fill=False, line=True))
wrong("repaired_attention", "mask-inverted")(with_tildes(fill=True, line=False))
wrong("repaired_attention", "mask-inverted")(with_tildes(fill=False, line=False))
wrong("repaired_attention", "mask-inverted", "fully-masked-nan")(with_tildes(fill=False, line=None))


@wrong("repaired_attention", "mask-after-softmax")
def hidden_weights_erased(query, key, value, mask=None):
    weights = weights_of(query, key, None)
    return blended(weights if mask is None else weights.masked_fill(~mask, 0), value)


@wrong("repaired_attention", "mask-ignored")
def the_mask_taken_out(query, key, value, mask=None):
    return blended(weights_of(query, key, None), value)


@wrong("repaired_attention", "fully-masked-nan")
def the_last_lines_taken_out(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, mend=False), value)


@wrong("repaired_attention", "fully-masked-uniform")
def a_large_number_and_nothing_after(query, key, value, mask=None):
    return blended(weights_of(query, key, mask, fill=-1e9, mend=False), value)


@wrong("repaired_attention", "crashes-without-mask")
def a_mask_always(query, key, value, mask=None):
    return repaired_attention(query, key, value, mask & True)


@wrong("repaired_attention", "swapped-return")
def weights_and_output(query, key, value, mask=None):
    return repaired_attention(query, key, value, mask)[::-1]


# ---- multi_head_attention


def many(x, w_q, w_k, w_v, w_o, num_heads, mask=None, split=split_heads, merge=merge_heads, attend=repaired_attention):
    query, key, value = (split(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = attend(query, key, value, mask)
    return merge(output) @ w_o, weights


def using(**changed):
    """multi_head_attention with one step taken by another function."""

    def function(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
        return many(x, w_q, w_k, w_v, w_o, num_heads, mask, **changed)

    return function


def every_nth(x, num_heads):
    return torch.stack([x[..., head::num_heads] for head in range(num_heads)], 1)


def nth_back(x):
    return torch.stack(list(x.unbind(1)), -1).flatten(-2)


def of_one_sequence(x, num_heads):
    return torch.stack([tokens.reshape(num_heads, len(tokens), -1) for tokens in x])


for mistake, changed in {
    "split-without-transpose": {"split": of_one_sequence},
    "merge-without-transpose": {"merge": lambda x: x.contiguous().view(x.shape[0], x.shape[2], -1)},
    "merge-averages-heads": {"merge": lambda x: torch.cat([x.mean(1)] * x.shape[1], -1)},
    "unscaled": {"attend": the_scale_taken_out},
    "scaled-by-d_k": {"attend": the_root_lost},
    "scaled-by-sqrt-d_model": {"attend": the_scale_left},
    "softmax-over-heads": {"attend": the_axis_left_and_infinity},
    "softmax-over-queries": {"attend": dim_minus_two},
    "mask-as-zero-score": {"attend": hidden_scores_multiplied_away},
    "mask-inverted": {"attend": the_tilde_removed},
    "mask-after-softmax": {"attend": hidden_weights_erased},
    "mask-ignored": {"attend": the_mask_taken_out},
    "fully-masked-nan": {"attend": the_last_lines_taken_out},
    "fully-masked-uniform": {"attend": a_large_number_and_nothing_after},
    "crashes-without-mask": {"attend": a_mask_always},
}.items():
    wrong("multi_head_attention", mistake)(using(**changed))
wrong("multi_head_attention", "split-interleaved")(using(split=every_nth))
wrong("multi_head_attention", "split-interleaved")(using(split=every_nth, merge=nth_back))
wrong("multi_head_attention", "softmax-over-heads")(using(attend=the_axis_left))
wrong("multi_head_attention", "softmax-over-heads", "scaled-by-sqrt-d_model")(using(attend=scale_and_axis_left))
wrong("multi_head_attention", "split-interleaved", "merge-without-transpose")(
    using(split=every_nth, merge=lambda x: x.contiguous().view(x.shape[0], x.shape[2], -1))
)


@wrong("multi_head_attention", "split-without-transpose")
def heads_never_moved(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (torch.unflatten(x @ weight, -1, (num_heads, -1)) for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return output.flatten(2) @ w_o, weights


@wrong("multi_head_attention", "merge-averages-heads")
def one_head_s_rows_of_w_o(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (split_heads(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return output.mean(1) @ w_o[: output.shape[-1]], weights


@wrong("multi_head_attention", "weight-transposed")
def linear_as_it_is(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q.T, w_k.T, w_v.T, w_o.T, num_heads, mask)


@wrong("multi_head_attention", "weight-transposed")
def linear_at_the_end(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q, w_k, w_v, w_o.T, num_heads, mask)


@wrong("multi_head_attention", "value-not-projected")
def tokens_for_values(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q, w_k, torch.eye(x.shape[-1], dtype=x.dtype), w_o, num_heads, mask)


@wrong("multi_head_attention", "blends-keys")
def keys_for_values(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q, w_k, w_k, w_o, num_heads, mask)


@wrong("multi_head_attention", "output-projection-forgotten")
def merged_and_done(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q, w_k, w_v, torch.eye(x.shape[-1], dtype=x.dtype), num_heads, mask)


@wrong("multi_head_attention", "heads-averaged")
def as_torch_returns_them(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    output, weights = many(x, w_q, w_k, w_v, w_o, num_heads, mask)
    return output, weights.sum(1) / num_heads


@wrong("multi_head_attention", "swapped-return")
def weights_first(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    output, weights = many(x, w_q, w_k, w_v, w_o, num_heads, mask)
    return weights, output


# ---- MultiHeadAttention


class Module(nn.Module):
    """A right one; each of its steps can be another."""

    split, merge, attend = staticmethod(split_heads), staticmethod(merge_heads), staticmethod(repaired_attention)

    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = self.layers(d_model, bias)

    def layers(self, d_model, bias):
        return [nn.Linear(d_model, d_model, bias=bias) for _ in range(4)]

    def project(self, layer, features):
        return layer(features)

    def sources(self, x, context):
        return x, context, context

    def mixed(self, merged):
        return self.project(self.out_proj, merged)

    def forward(self, x, context=None, mask=None):
        layers = self.q_proj, self.k_proj, self.v_proj
        sources = self.sources(x, x if context is None else context)
        parts = [self.project(layer, source) for layer, source in zip(layers, sources, strict=True)]
        output, weights = self.attend(*(self.split(part, self.num_heads) for part in parts), mask)
        return self.mixed(self.merge(output)), weights


def module(*mistakes, **changed):
    methods = {
        name: staticmethod(step) if name in ("split", "merge", "attend") else step for name, step in changed.items()
    }
    wrong("MultiHeadAttention", *mistakes)(type("_".join(mistakes).replace("-", "_"), (Module,), methods))


def detached_attention(query, key, value, mask=None):
    output, weights = repaired_attention(query, key, value, mask)
    return weights.detach() @ value, weights


def averaged_weights(query, key, value, mask=None):
    output, weights = repaired_attention(query, key, value, mask)
    return output, weights.mean(dim=1)


def without_history(self, x, context=None, mask=None):
    with torch.no_grad():
        return Module.forward(self, x, context, mask)


module("split-without-transpose", split=of_one_sequence)
module("split-interleaved", split=every_nth)
module("split-interleaved", split=every_nth, merge=nth_back)
module("merge-without-transpose", merge=lambda x: x.contiguous().view(x.shape[0], x.shape[2], -1))
module("unscaled", attend=the_scale_taken_out)
module("scaled-by-d_k", attend=the_root_lost)
module("scaled-by-sqrt-d_model", attend=the_scale_left)
module("softmax-over-heads", attend=the_axis_left)
module("softmax-over-heads", attend=the_axis_left_and_infinity)
module(
    "softmax-over-queries",
    attend=lambda query, key, value, mask=None: blended(weights_of(query, key, mask, dim=-2, mend=False), value),
)
module("mask-as-zero-score", attend=the_fill_left)
module("mask-inverted", attend=the_tilde_removed)
module("mask-after-softmax", attend=hidden_weights_erased)
module("mask-ignored", attend=the_mask_taken_out)
module("fully-masked-nan", attend=the_last_lines_taken_out)
module("fully-masked-uniform", attend=a_large_number_and_nothing_after)
module("crashes-without-mask", attend=a_mask_always)
module("output-projection-forgotten", mixed=lambda self, merged: merged)
module("heads-averaged", attend=averaged_weights)
module("context-ignored", sources=lambda self, x, context: (x, x, x))
module("values-from-queries", sources=lambda self, x, context: (x, context, x))
module("cross-roles-swapped", sources=lambda self, x, context: (context, x, x))
module("weight-transposed", project=lambda self, layer, x: F.linear(x, layer.weight.T, layer.bias))
module("bias-forgotten", project=lambda self, layer, x: x @ layer.weight.T)
module("bias-forgotten", layers=lambda self, d_model, bias: [nn.Linear(d_model, d_model) for _ in range(4)])
module("bias-forgotten", layers=lambda self, d_model, bias: [nn.Linear(d_model, d_model, False) for _ in range(4)])
module("detached", forward=without_history)
module("detached", mixed=lambda self, merged: self.out_proj(merged.data))
module("detached", mixed=lambda self, merged: self.out_proj(torch.tensor(merged.tolist(), dtype=merged.dtype)))
module("detached", attend=detached_attention)
module("swapped-return", forward=lambda self, x, context=None, mask=None: Module.forward(self, x, context, mask)[::-1])
module(
    "softmax-over-heads",
    "context-ignored",
    attend=the_axis_left,
    sources=lambda self, x, context: (x, x, x),
)
module("context-ignored", "detached", sources=lambda self, x, context: (x, x, x), attend=detached_attention)


@wrong("MultiHeadAttention", "heads-in-a-list")
class ProjectionsForEachHead(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.heads = [[nn.Linear(d_model, d_model // num_heads, bias) for _ in range(3)] for _ in range(num_heads)]
        self.out_proj = nn.Linear(d_model, d_model, bias)

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        parts = zip(*((q(x), k(context), v(context)) for q, k, v in self.heads), strict=True)
        output, weights = repaired_attention(*(torch.stack(part, 1) for part in parts), mask)
        return self.out_proj(merge_heads(output)), weights


@wrong("MultiHeadAttention", "heads-in-a-list")
class LayersInAModuleList(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj"):
            heads = [nn.Linear(d_model, d_model // num_heads, bias) for _ in range(num_heads)]
            setattr(self, name, nn.ModuleList(heads))
        self.out_proj = nn.Linear(d_model, d_model, bias)


def test_the_broken_attention_fails_as_it_was_given(sheet_of):
    verdict = judge(sheet_of("repaired_attention"), broken_attention)
    assert verdict.points == 0 and verdict.misconceptions == ()


@each(wrong)
def test_it_fails_and_is_named(sheet_of, answer):
    assert_named(sheet_of, answer)


def test_every_mistake_on_the_lists_of_the_lesson_was_written_by_hand():
    assert wrong.told() == listed_mistakes("05_multi_head")
