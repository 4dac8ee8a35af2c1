"""Solutions of page w10, and wrong answers that must get a hint."""

right = {
    "w10.1": "abcd",
}

wrong = {
    "w10.1": ["abcdef", "ab", "acd", "abd", "abc", "abcdx", 4],
}
