"""Writes what TokenizersTests compares on real texts: the ids by the `tokenizers` package.

    pip install tokenizers
    python tools/checks/tokenizers.py cases.jsonl --texts items.jsonl… --tokenizers tokenizer.json…
    TESSERA_TOKENIZER_CASES=$PWD/cases.jsonl swift test -c release --filter TokenizerRealTextTests

Every title and text of every items file goes through every tokenizer, whole and cut to --maximum ids.
"""
import argparse
import json
import sys
from pathlib import Path

# This file has the package's name; its own folder must not be searched for it.
sys.path = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]

from tokenizers import Tokenizer  # noqa: E402


def texts(paths):
    seen = set()
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                item = json.loads(line)
                for text in (item.get("title"), item.get("text")):
                    if text is not None and text not in seen:
                        seen.add(text)
                        yield text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases")
    parser.add_argument("--texts", nargs="+", required=True)
    parser.add_argument("--tokenizers", nargs="+", required=True)
    parser.add_argument("--maximum", type=int, default=64)
    arguments = parser.parse_args()
    count = 0
    with open(arguments.cases, "w", encoding="utf-8") as out:
        for path in arguments.tokenizers:
            tokenizer = Tokenizer.from_file(path)
            for maximum in (None, arguments.maximum):
                tokenizer.no_padding()
                tokenizer.no_truncation()
                if maximum:
                    tokenizer.enable_truncation(max_length=maximum)
                for text in texts(arguments.texts):
                    case = {"tokenizer": str(Path(path).resolve()), "text": text, "ids": tokenizer.encode(text).ids}
                    if maximum:
                        case["maximum"] = maximum
                    out.write(json.dumps(case) + "\n")
                    count += 1
    print(f"{count} cases in {arguments.cases}")


if __name__ == "__main__":
    main()
