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

# What prune.py chooses heads by: none of them is a test.
CHOICE = [
    "Good morning",
    "no",
    "Thanks, see you tomorrow!",
    "What time does the train to Vienna leave?",
    "The recipe needs two eggs, a cup of flour and a pinch of salt.",
    "for (int i = 0; i < n; ++i) sum += a[i];",
    "def mean(values): return sum(values) / len(values)",
    "La vie est belle quand il fait beau.",
    "Ich habe gestern einen neuen Roman gelesen.",
    "El perro duerme debajo de la mesa de la cocina.",
    "今日は天気がいいですね。",
    "我喜欢在周末看书。",
    "1, 2, 3, 4, 5, 6, 7, 8",
    "x^2 + y^2 = r^2 describes a circle of radius r.",
    "Her phone number is not 555-0199 any more.",
    "Visit the museum's page for opening hours and ticket prices.",
    "The mayor promised new buses, but the council refused to pay for them.",
    "Bacteria in the soil turn nitrogen from the air into a form that plants can use.",
    "Although it had been raining for days, the river stayed within its banks.",
    "He didn't say that he would come; he only said that he might.",
    "Interest rates were left unchanged at 4.25% on Thursday.",
    "My grandmother keeps her letters in a wooden box under the bed.",
    "Is it really necessary to close the road for the whole summer?",
    "The goalkeeper caught the ball, dropped it, and caught it again.",
    "WARNING: do not open this cover while the machine is running!",
    "antidisestablishmentarianism",
    "When the queen died, her eldest daughter, who had lived abroad for years, returned to "
    "the capital with her husband and their three children, and the people lined the streets "
    "to see a family that most of them knew only from coins and stamps.",
    "Light travels about 300,000 kilometres in a second.",
    "The contract may be ended by either party with three months' notice.",
    "I lost my keys somewhere between the office and the car park.",
    "A quick brown fox",
    "Why?",
    "The software crashed because the disk was full, not because of the update.",
    "Two litres of water, please, and a loaf of bread.",
    "The judge dismissed the case after the only witness changed his story.",
    "In 1969 two astronauts walked on the moon while a third stayed in orbit.",
    "Children learn to speak by listening long before they learn to read.",
    "SELECT name, price FROM products WHERE price < 10 ORDER BY name;",
    "The violin was made in Cremona and has been played in every capital of Europe.",
    "Ha ha, very funny...",
    "Tectonic plates move a few centimetres each year, about as fast as fingernails grow.",
    "She thanked the driver, paid the fare, and ran through the rain to the door.",
]
