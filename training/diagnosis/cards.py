"""Writes a model's card from its text in cards/ and the figures of the run: no figure is copied by hand."""
import hashlib
import os
import re


def shown(value, interval=None, digits=3):
    text = f"{value:.{digits}f}"
    return text if interval is None else f"{text} ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})"


def abstentions(sets):
    """The rows of the table of what the guard refuses."""
    def row(name, s):
        return (f"| {s['group']} | {name} | {s['n']} | {shown(s['share'], s['interval'])} | "
                f"{s['by']['far']:.3f} | {s['by']['near']:.3f} |")
    return "\n".join(row(name, s) for name, s in sets.items())


def fill(text, result, folder):
    """{name} becomes the figure with its interval where one was measured; {name:tiny} a difference."""
    def one(match):
        name, raw = match[1], match[2]
        if name == "sha256":
            with open(f"{folder}/model.onnx", "rb") as f:
                return hashlib.sha256(f.read()).hexdigest()
        if name == "abstentions":
            return abstentions(result["abstains"])
        if name.startswith("refused."):
            return shown(result["refused"][name[8:]], digits=2)
        if raw == ":tiny":
            return f"{result[name]:.1e}"
        if not isinstance(result[name], float):
            return str(result[name])
        return shown(result[name], result.get(f"{name}_interval"))
    return re.sub(r"\{([a-z0-9_A-Z.,/ ]+?)(:tiny)?\}", one, text)


def write(which, folder, result):
    with open(os.path.join(os.path.dirname(__file__), "cards", f"{which}.md")) as f:
        text = f.read()
    with open(f"{folder}/card.md", "w") as f:
        f.write(fill(text, result, folder))
