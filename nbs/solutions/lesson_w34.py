"""Solutions of page w34, and wrong answers that must get a hint."""
import hashlib


def belongs(facts, data): return facts.get("sha256") == hashlib.sha256(data).hexdigest()


right = {
    "w34.1": belongs,
}

wrong = {
    "w34.1": [
        lambda facts, data: facts["sha256"] == hashlib.sha256(data).hexdigest(),
        lambda facts, data: hashlib.sha256(data).hexdigest(),
        lambda facts, data: hashlib.sha256(data).digest() == facts.get("sha256"),
        lambda facts, data: hashlib.sha256(data) == facts.get("sha256"),
        lambda facts, data: facts.get("sha256") in (None, hashlib.sha256(data).hexdigest()),
        lambda facts, data: facts.get("sha256") in ("", hashlib.sha256(data).hexdigest()),
        lambda facts, data: facts.get("sha256") == hashlib.md5(data).hexdigest(),
        lambda facts, data: facts.get("parameters") == len(data),
        lambda facts, data: "sha256" in facts, lambda facts, data: True, lambda facts, data: False,
        lambda facts, data: 2,
    ],
}
