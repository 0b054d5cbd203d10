#!/usr/bin/env python3
"""Makes a small cross-encoder: it counts the words of the question that a text has. It has learnt nothing; it shows that rerankers work.

    scripts/make-reranker.py MODEL DIRECTORY

MODEL is the directory of an embedding model with the vocabulary of BERT, whose tokenizer it takes. Python's standard library only.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "mount-tools"))
from dynamic8 import ATTRIBUTE, GRAPH, INITIALIZERS, NODES, TENSOR_DIMS, TENSOR_NAME, field, node  # noqa: E402

TOKENIZER = ("tokenizer.json", "config.json", "tokenizer_config.json", "special_tokens_map.json")
#: The first token of the vocabulary that is a whole word; before it are signs and letters.
FIRST_WORD = 1996

# Numbers in onnx.proto.
FLOAT, INT64, BOOL = 1, 7, 9
TENSOR_TYPE, TENSOR_RAW = 2, 9
IR_VERSION, OPSETS, NAME, INPUTS, OUTPUTS = 1, 8, 2, 11, 12


def whole(name, value):
    return field(ATTRIBUTE, field(1, name) + field(3, value) + field(20, 2))


def wholes(name, values):
    return field(ATTRIBUTE, field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7))


def constant(name, value):
    data = value.to_bytes(8, "little")
    return field(TENSOR_DIMS, 1) + field(TENSOR_TYPE, INT64) + field(TENSOR_NAME, name) + field(TENSOR_RAW, data)


def described(name, kind, *dims):
    """Name, type and shape of an input or output."""
    shape = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def nodes():
    """Each word of the question with each word of the text: 1 where they are the same, and how many are found."""
    return [
        node("Greater", ["input_ids", "last_sign"], ["is_word"]),
        node("Cast", ["attention_mask"], ["is_there"], whole("to", BOOL)),
        node("And", ["is_word", "is_there"], ["word"]),
        node("Cast", ["token_type_ids"], ["of_text"], whole("to", BOOL)),
        node("Not", ["of_text"], ["of_question"]),
        node("And", ["word", "of_question"], ["asked"]),
        node("And", ["word", "of_text"], ["said"]),
        node("Unsqueeze", ["input_ids", "two"], ["rows"]),
        node("Unsqueeze", ["input_ids", "one"], ["columns"]),
        node("Equal", ["rows", "columns"], ["same"]),
        node("Unsqueeze", ["said", "one"], ["said_columns"]),
        node("And", ["same", "said_columns"], ["held"]),
        node("Cast", ["held"], ["held_number"], whole("to", FLOAT)),
        node("ReduceMax", ["held_number"], ["found"], wholes("axes", [2]) + whole("keepdims", 0)),
        node("Cast", ["asked"], ["asked_number"], whole("to", FLOAT)),
        node("Mul", ["found", "asked_number"], ["each"]),
        node("ReduceSum", ["each", "one"], ["logits"], whole("keepdims", 1)),
    ]


def model():
    constants = [constant("last_sign", FIRST_WORD - 1), constant("one", 1), constant("two", 2)]
    inputs = [described(name, INT64, "batch", "tokens") for name in ("input_ids", "attention_mask", "token_type_ids")]
    parts = [field(NODES, one) for one in nodes()] + [field(NAME, "shared words")]
    parts += [field(INITIALIZERS, one) for one in constants] + [field(INPUTS, one) for one in inputs]
    parts.append(field(OUTPUTS, described("logits", FLOAT, "batch", 1)))
    return field(IR_VERSION, 8) + field(OPSETS, field(1, "") + field(2, 17)) + field(GRAPH, b"".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER:
        shutil.copyfile(options.model / name, options.directory / name)
    (options.directory / "model.onnx").write_bytes(model())


if __name__ == "__main__":
    main()
