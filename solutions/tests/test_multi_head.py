"""Properties of lesson 5's references."""

import pytest
import torch
from attention_lab import load_after_attention, load_attention, load_attention_layer, load_sentence
from attention_lab.broken import broken_attention
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from solutions.multi_head import (
    MultiHeadAttention,
    merge_heads,
    multi_head_attention,
    parameter_count,
    repaired_attention,
    split_heads,
)

EXACT = {"rtol": 1e-10, "atol": 1e-12}
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")


@pytest.fixture
def draw():
    """draw(sizes) → the next standard normal tensor, float64."""
    generator = torch.Generator().manual_seed(677)
    return lambda *sizes: torch.randn(*sizes, generator=generator, dtype=torch.float64)


def of_real_layer(layer):
    """A MultiHeadAttention that carries the model's own weights, in float64."""
    real, attention = load_attention_layer(layer), MultiHeadAttention(384, 12).double()
    with torch.no_grad():
        for name, letter in zip(PROJECTIONS, "qkvo", strict=True):
            getattr(attention, name).weight.copy_(torch.tensor(getattr(real, f"w_{letter}")).T)
            getattr(attention, name).bias.copy_(torch.tensor(getattr(real, f"b_{letter}")))
    return attention


def of_pytorch(mine, d_model, num_heads, bias):
    """torch.nn.MultiheadAttention with the same weights."""
    theirs = nn.MultiheadAttention(d_model, num_heads, bias=bias, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([getattr(mine, name).weight for name in PROJECTIONS[:3]]))
        theirs.out_proj.weight.copy_(mine.out_proj.weight)
        if bias:
            theirs.in_proj_bias.copy_(torch.cat([getattr(mine, name).bias for name in PROJECTIONS[:3]]))
            theirs.out_proj.bias.copy_(mine.out_proj.bias)
    return theirs


def test_merging_undoes_splitting(draw):
    x = draw(2, 7, 15)
    assert split_heads(x, 5).shape == (2, 5, 7, 3)
    assert torch.equal(merge_heads(split_heads(x, 5)), x)


def test_a_head_holds_its_own_slice_of_every_token(draw):
    x = draw(2, 7, 15)
    for head in range(5):
        assert torch.equal(split_heads(x, 5)[:, head], x[:, :, 3 * head : 3 * head + 3])


def test_changing_a_token_changes_that_token_alone_in_every_head(draw):
    x = draw(2, 7, 15)
    changed = x.clone()
    changed[:, 4] += 1
    differs = (split_heads(x, 5) != split_heads(changed, 5)).any(dim=-1)
    assert differs.nonzero()[:, 2].tolist() == [4] * 10


def test_heads_that_do_not_divide_the_features_are_refused(draw):
    for refused in (lambda: split_heads(draw(2, 7, 13), 5), lambda: MultiHeadAttention(13, 5)):
        with pytest.raises(ValueError, match="13 cannot be divided among 5"):
            refused()


@pytest.mark.parametrize("masked", [False, True])
def test_heads_are_attentions_of_their_own_that_are_then_mixed(draw, masked):
    x, (w_q, w_k, w_v, w_o) = draw(2, 7, 15), draw(4, 15, 15)
    mask = draw(2, 5, 7, 7) > 0 if masked else None
    output, weights = multi_head_attention(x, w_q, w_k, w_v, w_o, 5, mask)
    mixed = torch.zeros(2, 7, 15, dtype=torch.float64)
    for head in range(5):
        own = slice(3 * head, 3 * head + 3)
        chosen = mask[:, head] if masked else None
        alone = F.scaled_dot_product_attention(x @ w_q[:, own], x @ w_k[:, own], x @ w_v[:, own], chosen)
        mixed += alone @ w_o[own]
    assert_close(output, mixed, **EXACT)
    assert weights.shape == (2, 5, 7, 7)


@pytest.mark.parametrize("bias", [True, False])
def test_the_module_is_pytorchs_with_the_same_weights(draw, bias):
    mine = MultiHeadAttention(15, 5, bias=bias).double()
    theirs = of_pytorch(mine, 15, 5, bias)
    x, context = draw(2, 7, 15), draw(2, 11, 15)
    mask = draw(7, 11) > -1
    mask[:, 0] = True  # PyTorch's weights of a row without keys are NaN
    for other, may_attend in ((x, None), (context, None), (context, mask)):
        output, weights = mine(x, None if other is x else other, may_attend)
        blocked = None if may_attend is None else ~may_attend  # there, True means "may not"
        expected = theirs(x, other, other, attn_mask=blocked, average_attn_weights=False)
        assert_close((output, weights), expected, **EXACT)


@pytest.mark.parametrize("layer", [0, 3])
@pytest.mark.parametrize("name", ["tired", "wide", "long"])
def test_with_real_weights_it_gives_the_models_own_next_activations(name, layer):
    x = torch.tensor(load_sentence(name).hidden[layer])[None]
    real = load_attention_layer(layer)
    with torch.no_grad():
        output, weights = of_real_layer(layer)(x)
    norm = torch.tensor(real.norm_weight), torch.tensor(real.norm_bias)
    after = F.layer_norm(x + output, (384,), *norm, eps=1e-12)
    assert_close(after[0], torch.tensor(load_after_attention(name, layer)), rtol=0, atol=1e-5)
    assert_close(weights[0], torch.tensor(load_attention(name)[layer]), rtol=0, atol=1e-5)


def test_a_gradient_reaches_every_parameter_and_that_of_the_keys_bias_is_zero(draw):
    attention = MultiHeadAttention(15, 5).double()
    attention(draw(2, 7, 15), draw(2, 11, 15))[0].square().sum().backward()
    largest = {name: parameter.grad.abs().max().item() for name, parameter in attention.named_parameters()}
    assert largest.pop("k_proj.bias") < 1e-12  # it adds the same number to all scores of a row
    assert min(largest.values()) > 1e-3 and len(largest) == 7


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("num_heads", [1, 3, 5])
def test_every_parameter_is_counted_and_heads_add_none(num_heads, bias):
    attention = MultiHeadAttention(15, num_heads, bias)
    assert sum(each.numel() for each in attention.parameters()) == parameter_count(15, num_heads, bias)


def test_the_base_transformers_attention_has_a_million_parameters():
    assert parameter_count(512, 8) == 1_050_624 and parameter_count(512, 8, bias=False) == 1_048_576


def test_a_row_without_keys_is_zeros_and_spoils_no_gradient(draw):
    attention, x = MultiHeadAttention(15, 5).double(), draw(2, 7, 15)
    mask = torch.ones(7, 7, dtype=torch.bool)
    mask[3] = False
    output, weights = attention(x, mask=mask)
    assert not weights[:, :, 3].any()
    assert_close(output[:, 3], attention.out_proj.bias.expand(2, 15), **EXACT)
    output.sum().backward()
    assert all(each.grad.isfinite().all() for each in attention.parameters())


def test_repaired_attention_is_pytorchs(draw):
    query, key, value = draw(2, 3, 5, 7), draw(2, 3, 11, 7), draw(2, 3, 11, 7)
    for mask in (None, draw(2, 1, 5, 11) > 0, draw(11) > 0, draw(3, 1, 1) > 0):
        output, weights = repaired_attention(query, key, value, mask)
        at_least_2d = None if mask is None else torch.atleast_2d(mask)
        assert_close(output, F.scaled_dot_product_attention(query, key, value, at_least_2d), **EXACT)
        assert_close(weights @ value, output, **EXACT)


def test_each_of_the_three_bugs_shows_and_none_where_there_is_nothing_to_confuse(draw):
    one_head, heads = [draw(2, 1, 1, 7) for _ in range(3)], [draw(2, 3, 5, 7) for _ in range(3)]
    assert_close(broken_attention(*one_head), repaired_attention(*one_head), **EXACT)
    _, weights = broken_attention(*heads)
    assert_close(weights.sum(dim=1), torch.ones(2, 5, 5, dtype=torch.float64), **EXACT)  # over the heads
    scores = torch.log(weights[:, 1] / weights[:, 0])
    query, key, _ = heads
    products = (query[:, 1] @ key[:, 1].mT - query[:, 0] @ key[:, 0].mT) / 21**0.5  # √d_model
    assert_close(scores, products, **EXACT)
    hidden = broken_attention(*heads, mask=torch.arange(5) < 2)[1][..., 2:]
    assert_close(hidden, torch.full_like(hidden, 1 / 3), **EXACT)  # every head looks at what is hidden
