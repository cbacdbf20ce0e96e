"""A function that reads an array of an earlier cell where it was given an argument is told so."""

from attention_lab import check

from autograder.tests.written import attention, share_out

LESSON = """
import numpy as np
scores, values, score = [2.0, 1.0], np.eye(2), np.float64(1.0)
query = key = value = np.eye(3)
"""
LEFT_OVER = "left over from another cell."


def looked_at(source, name):
    """What `check` says of the function that this cell defines, in a notebook that ran the lesson's."""
    cell = {"__name__": "__main__", "share_out": share_out, "attention": attention}
    exec(LESSON + source, cell)
    return check(cell[name]).verdict.look_at


def test_an_array_of_an_earlier_cell_is_named():
    blends = "def plain_self_attention(x):\n    weights = share_out(x @ x.T)\n    return weights @ values, weights\n"
    found = looked_at(blends, "plain_self_attention")
    assert found.startswith(f"Your function reads `values`, which is none of its arguments: it is {LEFT_OVER}")


def test_several_are_named_in_one_sentence():
    forgot = "def self_attention(x, w_q, w_k, w_v):\n    return attention(query, key, value)\n"
    found = looked_at(forgot, "self_attention")
    assert f"reads `query`, `key` and `value`, which are none of its arguments: they are {LEFT_OVER}" in found


def test_a_typo_that_another_cell_knows_is_named():
    typo = (
        "def softmax(scores, axis=-1):\n    powers = np.exp(score - np.max(scores))\n    return powers / powers.sum()\n"
    )
    assert "reads `score`, which" in looked_at(typo, "softmax")


def test_a_right_answer_may_read_what_it_likes():
    reads = "def softmax(scores, axis=-1):\n    return share_out(scores, axis) + 0 * score\n"
    assert looked_at(reads, "softmax") == ""


def test_functions_modules_and_constants_are_no_leftovers():
    wrong = "SCALE = 2.0\ndef blend(weights, values):\n    return np.matmul(weights, values) * SCALE\n"
    assert LEFT_OVER not in looked_at(wrong, "blend")


def test_a_stub_is_only_not_started():
    stub = "def blend(weights, values):\n    raise NotImplementedError(scores)\n"
    assert looked_at(stub, "blend") == ""


def test_a_head_of_the_lesson_is_named():
    biased = "def project(x, weight, bias=None):\n    return x @ weight + head.b_q[0]\n"
    head = "from attention_lab import load_head\nhead = load_head(3, 1)\n"
    assert f"reads `head`, which is none of its arguments: it is {LEFT_OVER}" in looked_at(head + biased, "project")
