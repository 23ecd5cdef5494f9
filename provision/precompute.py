"""Makes the sentence embeddings that come with the program: ``python -m provision.precompute WORDNET...``.

Each WORDNET is a folder with the noun files of one release; without any it is the one that the program would use. Run it
when the anchors or constants of the compact encoder's text map change: until then the new ones are computed on every
machine, which takes a minute.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kec_core.encoders.compact import CompactEncoder
from kec_core.encoders.precomputed import FILE, NOTHING, save_precomputed
from kec_core.encoders.sentences import SentenceModel
from kec_core.wordnet.vocabulary import wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet


def precompute(folders: Sequence[Path | None], file: Path) -> None:
    """Embed the anchors, their words and the prompts of all known nouns of these WordNets, and write the file.

    Raises:
        InputError: a folder does not hold WordNet's noun files.
        ResourceMissing: the packages with the weights are not installed.
    """
    sentences = SentenceModel(exact=True)
    known, texts = {}, dict[str, None]()
    for folder in folders:
        wordnet = load_wordnet(folder)
        encoder = CompactEncoder(wordnet, sentences, lambda _model: NOTHING)
        nouns = wordnet_vocabulary(wordnet)
        flags = encoder.covers(nouns)
        known[encoder.covers_key(nouns)] = flags
        prompts = encoder.info.noun_templates
        words = [noun.word for noun, is_known in zip(nouns, flags, strict=True) if is_known]
        named = [prompt.replace("{}", word) for prompt in prompts for word in words]
        texts |= dict.fromkeys((*encoder.anchors.texts, *encoder.anchors.words, *named))
    save_precomputed(file, sentences.revision, list(texts), sentences.embed(list(texts)), known)


def main() -> None:
    """Write the file that the program reads."""
    parser = argparse.ArgumentParser(prog="python -m provision.precompute")
    parser.add_argument("folders", nargs="*", type=Path, metavar="WORDNET")
    folders: list[Path] = parser.parse_args().folders
    with tempfile.TemporaryDirectory() as empty:
        os.environ["KEC_CACHE_DIR"] = empty  # what an earlier version left there is not taken
        precompute(folders or [None], FILE)


if __name__ == "__main__":
    main()
