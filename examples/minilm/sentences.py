# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sentences that the demo and the tests run."""

ANIMAL = "The animal didn't cross the street because it was too tired"
TROPHY = "The trophy did not fit in the suitcase because it was too big"

DEMO = [
    ANIMAL,
    TROPHY,
    "A compiler turns a program that people read into one that machines run.",
    "When the rain stopped, the children went out to play in the garden.",
    "She gave her brother the book that their mother had written in 1987.",
    "Attention!",
]

TEST = [
    "Hello",
    "The cat sat on the mat, and the dog watched it from the other side of the room.",
    "Prices rose by 3.7% in March, the largest increase since 2008.",
    "Où est la bibliothèque? Elle est fermée le dimanche.",
    "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer",
    "O(n^2) memory is too much when n = 16384.",
    "My email address is not someone@example.com.",
    "静かな湖畔の森の影から",
    "Water boils at a lower temperature on a mountain because the air pressure is lower there.",
    "I can't believe you've done this!!!",
    "supercalifragilisticexpialidocious",
    "The committee, after a long and at times heated debate about the cost of the bridge, "
    "the height of its towers and the colour of its paint, decided to ask the citizens, who "
    "answered that they would rather have a ferry, as their grandparents had had one.",
    "Stocks fell. Bonds rose. Gold did nothing.",
    "The nurse told the doctor that she would finish the report before he came back.",
    "int main() { return 0; }",
    "A B C D E F G",
    "Der Hund läuft über die Straße.",
    "yes",
    "Photosynthesis converts light energy into chemical energy stored in glucose.",
    "The lawyer asked the witness a question, but she was reluctant to answer it.",
]
