"""What a lesson imports: checks, real sentences and weights, predictions, quizzes and plots.

`check` is here at once; the other names are loaded when they are first used, Matplotlib with them.
"""

import sys
from importlib import import_module

from attention_lab.check import check as check  # at once: the function must hide the module of its name

HOMES = {
    "attention_lab.sentences": (
        "load_sentence",
        "load_attention",
        "load_after_attention",
        "load_head",
        "load_attention_layer",
        "sentence_names",
    ),
    "attention_lab.predict": ("predict", "reveal"),
    "attention_lab.progress_table": ("progress",),
    "attention_lab.plots": (
        "plot_attention",
        "plot_cells",
        "plot_row",
        "plot_links",
        "plot_curves",
        "plot_gallery",
        "plot_graph",
        "plot_mask",
        "plot_matrix",
        "plot_tiles",
        "plot_vectors",
        "side_by_side",
        "show",
    ),
    "attention_lab.memory": ("peak_memory",),
    "attention_lab.kernels": ("on_a_kernel_with_nan", "on_a_pretend_gpu"),
    "attention_lab.gpu_times": ("measured_on_gpu",),
    "attention_lab.explorer": ("explore", "explorer_page"),
    "attention_lab.suspects": ("suspect_a", "suspect_b", "suspect_c", "suspect_d"),
    "attention_lab.broken": ("broken_attention",),
    "attention_lab.leaks": (
        "attention_a",
        "attention_b",
        "attention_c",
        "attention_d",
        "attention_e",
        "attention_f",
    ),
}
__all__ = sorted(["check", *(name for names in HOMES.values() for name in names)])


def __getattr__(name: str):
    for module, names in HOMES.items():
        if name in names:
            value = getattr(import_module(module), name)
            globals()[name] = value
            return value
    raise AttributeError(f"attention_lab has no {name!r}; it has {', '.join(__all__)}")


if "IPython" in sys.modules:
    from attention_lab.waiting import install

    install()
