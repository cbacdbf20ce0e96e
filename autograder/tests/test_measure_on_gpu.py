"""That lesson 6's table of a GPU tells where it comes from, and is not invented where there is none."""

import json

import pytest
import torch
from attention_lab.gpu_times import measured_on_gpu

from autograder import measure_on_gpu


def test_every_attention_is_measured_at_every_length():
    found = measure_on_gpu.measure(torch.device("cpu"), lengths=(61, 127))
    assert [(row["attention"], row["n"]) for row in found["rows"]] == [
        (name, n) for name in ("plain", "fused", "tiled") for n in (61, 127)
    ]
    assert all(row["seconds"] > 0 and row["bytes"] > 0 for row in found["rows"])


def test_the_table_says_where_and_when_it_was_measured(tmp_path):
    found = measure_on_gpu.measure(torch.device("cpu"), lengths=(61,))
    path = tmp_path / "gpu_times.json"
    path.write_text(json.dumps(found))
    text = measured_on_gpu(path)
    assert "NOT measured on your machine, but on cpu" in text
    assert found["date"] in text and torch.__version__ in text
    assert text.count(" 61 ") == 3


def test_without_the_file_no_number_is_shown(tmp_path):
    text = measured_on_gpu(tmp_path / "gpu_times.json")
    assert "Nobody has measured" in text and not any(letter.isdigit() for letter in text)


@pytest.mark.skipif(measure_on_gpu.gpu() is not None, reason="there is a GPU")
def test_without_a_gpu_nothing_is_written(tmp_path, capsys):
    assert measure_on_gpu.main([str(tmp_path / "gpu_times.json")]) == 2
    assert "no GPU" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_device_that_runs_out_of_memory_ends_its_column(monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(measure_on_gpu, "batched_attention", fails)
    found = measure_on_gpu.measure(torch.device("cpu"), lengths=(61, 127))
    assert [row["attention"] for row in found["rows"]] == ["fused", "fused", "tiled", "tiled"]
    assert "plain at n = 61: out of memory" in capsys.readouterr().err
