"""How much memory a function needs: most bytes held at once by the tensors that it makes."""

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Held(TorchDispatchMode):
    """Keeps account of every storage that an operation made, for as long as a tensor uses it."""

    def __init__(self, given):
        super().__init__()
        self.given = {tensor.untyped_storage()._cdata for tensor in given}
        self.held, self.most = {}, 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        self.held = {place: pair for place, pair in self.held.items() if not pair[0].expired()}
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in self.given:
                storage = tensor.untyped_storage()
                self.held[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        self.most = max(self.most, sum(size for _, size in self.held.values()))
        return result


def peak_memory(function, *inputs, **named):
    """Most bytes that the tensors made during function(*inputs, **named) hold at once; the inputs do not count.

    On any device. What a single operation of PyTorch needs inside itself, for as long as it runs, is not seen.
    → an integer
    """
    given = [each for each in tree_leaves((inputs, named)) if isinstance(each, torch.Tensor)]
    with torch.no_grad(), _Held(given) as held:
        function(*inputs, **named)
    return held.most
