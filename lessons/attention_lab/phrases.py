"""What a driver says of the inside of a learner's function, in words that follow "your function"."""

FITS = "keeps every intermediate within the bound"
ALL_SCORES = "makes a tensor of all n_q × n_k scores"
TOO_LARGE = "makes an intermediate that is larger than the exercise allows"
WHOLE_ROWS = "takes the exponentials of all keys at once, where a block has only `block_size` of them"
BORROWED = "leaves the work to the library's fused attention"
ONE_CALL = "makes one call of the library's fused attention"
NO_CALL = "makes no call of the library's fused attention"
CALLS = "makes more than one call of the library's fused attention"

PHRASES = (FITS, ALL_SCORES, TOO_LARGE, WHOLE_ROWS, BORROWED, ONE_CALL, NO_CALL, CALLS)
