"""Values cross the pipe unchanged, and no frame, however it is made, does more than fail to be read."""

import io
import json
import struct

import numpy as np
import pytest
from attention_lab.contract import kind_text

from autograder.wire import Unknown, WireError, pack, receive, send, unpack

ROOMY = 10**6


def cross(value):
    """The value as it arrives on the other side."""
    arrays = []
    form = pack(value, arrays)
    stream = io.BytesIO()
    send(stream, {"value": form}, arrays)
    stream.seek(0)
    header, arrays = receive(stream, ROOMY)
    return unpack(header["value"], arrays)


def frame(header, body=b"") -> io.BytesIO:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(struct.pack("!I", len(text)) + text + body)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "float32", ">f8", "complex128"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (2, 0, 7)])
def test_arrays_of_numbers_keep_dtype_shape_and_bytes(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = cross(array)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert back.flags.writeable


def test_a_transposed_array_crosses_by_its_values():
    array = np.arange(6.0).reshape(2, 3).T
    assert np.array_equal(cross(array), array)


@pytest.mark.parametrize("value", [None, True, 3, -0.1, 1e-320, "ü \N{CAT FACE}", (), [1, (2.5, None)], ("a",)])
def test_plain_values_come_back_as_they_were(value):
    assert cross(value) == value
    assert type(cross(value)) is type(value)


def test_nan_and_infinity_cross_bit_by_bit():
    array = np.array([np.nan, -np.inf, -0.0])
    assert cross(array).tobytes() == array.tobytes()
    assert np.isnan(cross(float("nan")))


def test_a_numpy_number_stays_one():
    assert type(cross(np.float32(0.1))) is np.float32
    assert cross(np.float32(0.1)) == np.float32(0.1)


class Module:
    pass


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "a dictionary"),
        ({1}, "a set"),
        (Module(), "a `Module`"),
        (np.array([None]), "a NumPy array of object"),
        (np.array(["four"]), "a NumPy array of <U4"),
        ([0] * 5000, "a list"),
        (2**70, "a number"),
    ],
)
def test_what_does_not_cross_is_still_called_by_its_name(value, words):
    assert kind_text(cross(value)) == words


def test_the_name_of_a_type_cannot_carry_anything_else():
    odd = type("<script>alert(1)</script>", (), {})()
    assert type(cross(odd)).__name__ == "scriptalert1script"
    assert isinstance(cross(odd), Unknown)


def test_a_list_inside_itself_ends():
    endless = []
    endless.append(endless)
    assert isinstance(cross(endless), list)


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO(b""),
        io.BytesIO(b"\xff\xff\xff\xff"),
        io.BytesIO(struct.pack("!I", 100) + b"{}"),
        frame(b"\xff\xfe"),
        frame(b"[" * 100_000),
        frame(b'{"arrays": ' + b"9" * 5000 + b"}"),
        frame([]),
        frame({}),
        frame({"arrays": 3}),
        frame({"arrays": [["O", [1]]]}, b"\0" * 8),
        frame({"arrays": [["|V8", [1]]]}, b"\0" * 8),
        frame({"arrays": [["f8,i4", [1]]]}, b"\0" * 12),
        frame({"arrays": [["f7", [1]]]}, b"\0" * 8),
        frame({"arrays": [["f8", [-1]]]}),
        frame({"arrays": [["f8", [True]]]}, b"\0" * 8),
        frame({"arrays": [["f8", [2**40, 2**40]]]}),
        frame({"arrays": [["f8", [0, 2**62, 2**62]]]}),
        frame({"arrays": [["f8", [1] * 500]]}, b"\0" * 8),
        frame({"arrays": [["f8", [2]]]}, b"\0" * 8),
    ],
)
def test_a_broken_frame_is_an_error_and_nothing_else(stream):
    with pytest.raises(WireError):
        receive(stream, ROOMY)


def test_a_pickle_is_never_opened(tmp_path):
    opened = tmp_path / "opened"
    bomb = b"cos\nsystem\n(S'touch " + str(opened).encode() + b"'\ntR."
    for stream in (frame(bomb), frame({"arrays": [["O", [1]]]}, bomb)):
        with pytest.raises(WireError):
            receive(stream, ROOMY)
    assert not opened.exists()


def test_no_more_is_read_than_allowed():
    stream = io.BytesIO()
    send(stream, {}, [np.zeros(1000)])
    stream.seek(0)
    with pytest.raises(WireError, match="at most"):
        receive(stream, 8000)
    stream.seek(0)
    assert receive(stream, 8100)[1][0].size == 1000


@pytest.mark.parametrize(
    "form",
    [None, [], "ab", ["plain", {}], ["array", 0], ["array", "x"], ["array_of", "V8"], ["array_of", 1], ["code", "1"]]
    + [["tuple", 3], ["unknown", None], ["list", [["list", [["list", [["list", [["list", [["list", []]]]]]]]]]]]],
)
def test_a_broken_form_is_an_error_and_nothing_else(form):
    with pytest.raises(WireError):
        unpack(form, [])


def test_half_a_character_does_not_get_through():
    header, _ = receive(frame(b'{"text": "\\ud83d", "arrays": []}'), ROOMY)
    assert header["text"].encode() == b"?"
