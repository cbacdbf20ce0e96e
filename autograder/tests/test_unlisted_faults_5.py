"""Faults of lesson 5 that no list knows: each must fail, and none is called by a name it does not deserve."""

import math

import torch
from attention_lab.judge import judge
from torch import nn

from autograder.tests.written import WrittenAndTold, assert_fails_without_a_name, each
from solutions.multi_head import MultiHeadAttention, merge_heads, repaired_attention, split_heads

wrong = WrittenAndTold()  # with each fault, the words there are for it, if any


@each(wrong)
def test_it_fails_without_a_name(sheet_of, answer):
    assert_fails_without_a_name(sheet_of, answer)


def test_the_root_of_the_number_of_heads_shows_in_a_small_example(sheet_of):
    verdict = judge(sheet_of("repaired_attention"), root_of_the_number_of_heads)
    assert verdict.seen.startswith("On query `[[")


# ---- split_heads, merge_heads, parameter_count


@wrong("split_heads")
def heads_in_reverse(x, num_heads):
    return split_heads(x, num_heads).flip(1)


@wrong("split_heads")
def as_many_features_as_heads(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError
    return x.unflatten(-1, (-1, num_heads)).transpose(1, 2)


@wrong("split_heads")
def features_before_tokens(x, num_heads):
    return split_heads(x, num_heads).transpose(2, 3)


@wrong("split_heads")
def heads_before_the_batch(x, num_heads):
    return split_heads(x, num_heads).transpose(0, 1)


@wrong("split_heads")
def the_error_returned(x, num_heads):
    return split_heads(x, num_heads) if x.shape[-1] % num_heads == 0 else ValueError("indivisible")


@wrong("split_heads")
def the_error_for_odd_numbers_alone(x, num_heads):
    if x.shape[-1] % 2 and num_heads % 2 == 0:
        raise ValueError
    return x.reshape(*x.shape[:2], num_heads, -1)[..., : x.shape[-1] // num_heads].transpose(1, 2)


@wrong("split_heads")
def an_error_for_a_single_head(x, num_heads):
    if num_heads == 1 or x.shape[-1] % num_heads:
        raise ValueError
    return split_heads(x, num_heads)


@wrong("split_heads")
def the_first_sequence(x, num_heads):
    return split_heads(x[:1], num_heads)


@wrong("split_heads")
def a_list_of_heads(x, num_heads):
    return list(split_heads(x, num_heads).unbind(1))


@wrong("merge_heads")
def last_head_first(x):
    return merge_heads(x.flip(1))


@wrong("merge_heads")
def the_largest_of_the_heads(x):
    return x.amax(1)


@wrong("merge_heads")
def not_yet_flat(x):
    return x.transpose(1, 2)


@wrong("merge_heads")
def sequences_merged_too(x):
    return merge_heads(x).flatten(0, 1)


@wrong("merge_heads")
def the_first_head(x):
    return x[:, 0]


@wrong("merge_heads")
def in_whole_numbers(x):
    return merge_heads(x).to(torch.int64)


@wrong("parameter_count")
def of_a_head_s_width(d_model, num_heads, bias=True):
    return 4 * d_model * (d_model // num_heads) + (4 * d_model if bias else 0)


@wrong("parameter_count")
def with_a_layer_norm(d_model, num_heads, bias=True):
    return 4 * d_model * (d_model + bias) + 2 * d_model


@wrong("parameter_count")
def a_whole_block(d_model, num_heads, bias=True):
    return 12 * d_model**2 + (9 * d_model if bias else 0)


@wrong("parameter_count")
def two_projections(d_model, num_heads, bias=True):
    return 2 * d_model * (d_model + bias)


# ---- repaired_attention


def attention(scores, value, mask):
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, -1).nan_to_num()
    return weights @ value, weights


@wrong("repaired_attention", "the square root of the number of heads")
def root_of_the_number_of_heads(query, key, value, mask=None):
    return attention(query @ key.mT / math.sqrt(query.shape[1]), value, mask)


@wrong("repaired_attention")
def root_of_the_number_of_keys(query, key, value, mask=None):
    return attention(query @ key.mT / math.sqrt(key.shape[-2]), value, mask)


@wrong("repaired_attention")
def all_three_bugs_and_rows_not_mended(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[1] * query.shape[3])
    weights = torch.softmax(scores if mask is None else scores.masked_fill(~mask, 1e-9), dim=1)
    return weights @ value, weights


@wrong("repaired_attention")
def softmax_over_the_sequences(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores if mask is None else scores.masked_fill(~mask, -1e9), dim=0)
    return weights @ value, weights


@wrong("repaired_attention")
def hidden_values_erased(query, key, value, mask=None):
    output, weights = repaired_attention(query, key, value)
    return (output if mask is None else (weights * mask) @ value), weights


@wrong("repaired_attention")
def a_fill_of_one(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores if mask is None else scores.masked_fill(~mask, 1.0), -1)
    return weights @ value, weights


@wrong("repaired_attention")
def weights_rounded(query, key, value, mask=None):
    weights = repaired_attention(query, key, value, mask)[1].round(decimals=3)
    return weights @ value, weights


@wrong("repaired_attention")
def an_empty_row_gets_the_mean_of_the_values(query, key, value, mask=None):
    output, weights = repaired_attention(query, key, value, mask)
    empty = (weights.sum(-1, keepdim=True) == 0).expand_as(output)
    return torch.where(empty, value.mean(-2, keepdim=True).expand_as(output), output), weights


@wrong("repaired_attention")
def half_precision_within(query, key, value, mask=None):
    output, weights = repaired_attention(query.bfloat16(), key.bfloat16(), value.bfloat16(), mask)
    return output.to(query.dtype), weights.to(query.dtype)


@wrong("repaired_attention")
def the_mask_of_the_first_head(query, key, value, mask=None):
    if mask is not None and mask.ndim == 4:
        mask = mask[:, :1]
    return repaired_attention(query, key, value, mask)


@wrong("repaired_attention")
def the_mask_of_the_first_sequence(query, key, value, mask=None):
    if mask is not None and mask.ndim == 4:
        mask = mask[:1]
    return repaired_attention(query, key, value, mask)


# ---- multi_head_attention


def many(x, w_q, w_k, w_v, w_o, num_heads, mask=None, attend=repaired_attention):
    query, key, value = (split_heads(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = attend(query, key, value, mask)
    return merge_heads(output) @ w_o, weights


@wrong("multi_head_attention")
def heads_joined_in_reverse(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (split_heads(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return merge_heads(output.flip(1)) @ w_o, weights


@wrong("multi_head_attention")
def one_large_head(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    output, weights = many(x, w_q, w_k, w_v, w_o, 1)
    return output, weights.expand(-1, num_heads, -1, -1)


@wrong("multi_head_attention")
def split_before_the_projection(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    d_head = x.shape[-1] // num_heads
    query, key, value = (split_heads(x, num_heads) @ weight[:d_head, :d_head] for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return merge_heads(output) @ w_o, weights


@wrong("multi_head_attention", "wherever there is more than one head")
def split_and_then_projected(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (split_heads(x, num_heads) @ weight for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return merge_heads(output) @ w_o, weights


@wrong("multi_head_attention")
def a_view_after_the_transpose(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    query, key, value = (split_heads(x @ weight, num_heads) for weight in (w_q, w_k, w_v))
    output, weights = repaired_attention(query, key, value, mask)
    return output.transpose(1, 2).view(x.shape) @ w_o, weights


@wrong("multi_head_attention")
def with_a_residual(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    output, weights = many(x, w_q, w_k, w_v, w_o, num_heads, mask)
    return output + x, weights


@wrong("multi_head_attention")
def projected_out_first(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_q, w_k, w_v @ w_o, torch.eye(x.shape[-1], dtype=x.dtype), num_heads, mask)


@wrong("multi_head_attention")
def always_causal(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    return many(x, w_q, w_k, w_v, w_o, num_heads, causal if mask is None else mask & causal)


@wrong("multi_head_attention")
def without_a_softmax(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    def attend(query, key, value, mask):
        weights = query @ key.mT / math.sqrt(query.shape[-1])
        weights = weights if mask is None else weights * mask
        return weights @ value, weights

    return many(x, w_q, w_k, w_v, w_o, num_heads, mask, attend)


@wrong("multi_head_attention")
def queries_and_keys_exchanged(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return many(x, w_k, w_q, w_v, w_o, num_heads, mask)


@wrong("multi_head_attention")
def the_same_head_again_and_again(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    def attend(query, key, value, mask):
        output, weights = repaired_attention(query, key, value, mask)
        return output[:, :1].expand_as(output), weights

    return many(x, w_q, w_k, w_v, w_o, num_heads, mask, attend)


# ---- MultiHeadAttention


@wrong("MultiHeadAttention")
class OtherNames(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model, bias) for _ in range(4))


@wrong("MultiHeadAttention")
class OneLayerForThree(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        self.qkv, self.out_proj = nn.Linear(d_model, 3 * d_model, bias), nn.Linear(d_model, d_model, bias)


@wrong("MultiHeadAttention")
class AndALayerNorm(MultiHeadAttention):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__(d_model, num_heads, bias)
        self.norm = nn.LayerNorm(d_model)


@wrong("MultiHeadAttention")
class AndAScaleToLearn(MultiHeadAttention):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__(d_model, num_heads, bias)
        self.scale = nn.Parameter(torch.tensor(1.0))


@wrong("MultiHeadAttention")
class NoModule:
    def __init__(self, d_model, num_heads, bias=True):
        self.layers = [nn.Linear(d_model, d_model, bias) for _ in range(4)]


@wrong("MultiHeadAttention")
class ForgetsSuper(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        self.q_proj = nn.Linear(d_model, d_model, bias)


@wrong("MultiHeadAttention")
class WithoutBias(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()


@wrong("MultiHeadAttention")
class OutputAlone(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, context, mask)[0]


@wrong("MultiHeadAttention")
class ThreeThings(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return *super().forward(x, context, mask), x


@wrong("MultiHeadAttention")
class NoForward(MultiHeadAttention):
    forward = None


@wrong("MultiHeadAttention")
class DropsOut(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        output, weights = super().forward(x, context, mask)
        return output * 0.9, weights


@wrong("MultiHeadAttention")
class QueryAndKeySwapped(MultiHeadAttention):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__(d_model, num_heads, bias)
        self.q_proj, self.k_proj = self.k_proj, self.q_proj

    def forward(self, x, context=None, mask=None):
        output, weights = super().forward(x, context, mask)
        return output, weights.transpose(-2, -1)


@wrong("MultiHeadAttention")
class OneLayerTwice(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        self.k_proj = self.q_proj
        return super().forward(x, context, mask)


@wrong("MultiHeadAttention")
class MaskOnlyWithoutContext(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, context, None if context is not None else mask)


@wrong("MultiHeadAttention")
class SeesBothSequences(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, None if context is None else torch.cat([x, context], dim=1), mask)


@wrong("MultiHeadAttention", "queries made of `context` too")
class QueriesFromContext(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x if context is None else context, context, mask)


@wrong("MultiHeadAttention", "an error wherever there is a `context`")
class ContextOrX(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        return super().forward(x, context or x, mask)


@wrong("MultiHeadAttention")
class KeysFromQueries(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        parts = (split_heads(layer, self.num_heads) for layer in (self.q_proj(x), self.k_proj(x), self.v_proj(context)))
        output, weights = repaired_attention(*parts, mask)
        return self.out_proj(merge_heads(output)), weights


@wrong("MultiHeadAttention")
class FrozenKeys(MultiHeadAttention):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__(d_model, num_heads, bias)
        self.k_proj.requires_grad_(False)


@wrong("MultiHeadAttention")
class LearnsNothingButNaN(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        output, weights = super().forward(x, context, mask)
        return output + torch.sqrt(0 * output), weights


@wrong("MultiHeadAttention")
class LearnsAtHalfTheRate(MultiHeadAttention):
    def forward(self, x, context=None, mask=None):
        output, weights = super().forward(x, context, mask)
        return output / 2 + output.detach() / 2, weights


@each([answer for answer in wrong if answer.told])
def test_a_fault_without_a_name_is_told_in_words(sheet_of, answer):
    verdict = answer.verdict(sheet_of)
    (words,) = answer.told
    assert words in verdict.matches and verdict.look_at
