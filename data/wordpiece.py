"""Cut a sentence into the pieces that the model knows (WordPiece, as in BERT, uncased)."""

import unicodedata

CONTINUES = "##"  # in front of a piece that does not begin a word


def tokenize(text: str, vocabulary: dict[str, int]) -> list[str]:
    """`[CLS]`, the pieces of every word, `[SEP]`."""
    pieces = [piece for word in split_words(text) for piece in split_pieces(word, vocabulary)]
    return ["[CLS]", *pieces, "[SEP]"]


def split_words(text: str) -> list[str]:
    """Lower case, without accents, cut at spaces, every punctuation mark a word of its own."""
    letters = unicodedata.normalize("NFD", text.lower())
    spaced = "".join(
        f" {letter} " if _is_punctuation(letter) else letter
        for letter in letters
        if unicodedata.category(letter) != "Mn"
    )
    return spaced.split()


def split_pieces(word: str, vocabulary: dict[str, int]) -> list[str]:
    """The longest piece in the vocabulary that begins the word, then the longest that goes on, and so on."""
    pieces, start = [], 0
    while start < len(word):
        prefix = CONTINUES if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if prefix + word[start:end] in vocabulary), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces


def _is_punctuation(letter: str) -> bool:
    # BERT counts every ASCII mark, also those that Unicode calls symbols ($, +, ^, …)
    is_ascii_mark = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
    return is_ascii_mark or unicodedata.category(letter).startswith("P")
