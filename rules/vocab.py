"""What the terms mean: THE place for 'this word of that protocol is that use'."""
from __future__ import annotations

from dataclasses import dataclass

from .model import Form, Preference, Use

# What a use is made of. A disallow bears on the use asked when the two share an atom; an allow only when it covers it.
ATOMS: dict[Use, frozenset[Use]] = {
    **{atom: frozenset({atom}) for atom in
       (Use.CRAWL, Use.SEARCH, Use.TRAIN_GENAI, Use.TRAIN_OTHER, Use.AI_USE, Use.TDM_OTHER)},
    Use.TRAIN_AI: frozenset({Use.TRAIN_GENAI, Use.TRAIN_OTHER}),
    Use.TDM: frozenset({Use.TRAIN_GENAI, Use.TRAIN_OTHER, Use.AI_USE, Use.TDM_OTHER}),
}


def covers(broad: Use, narrow: Use) -> bool:
    return ATOMS[narrow] <= ATOMS[broad]


def bears(stated: Use, preference: Preference, asked: Use) -> bool:
    """Whether a statement about one use says something about another."""
    if preference is Preference.ALLOW:
        return covers(stated, asked)
    return bool(ATOMS[stated] & ATOMS[asked])


@dataclass(frozen=True, slots=True)
class Term:
    """One word of one protocol. `allow_uses` differs where a word only ever restricts."""
    protocol: str
    word: str
    uses: tuple[Use, ...]
    spec: str
    form: Form = Form.EXACT
    allow_uses: tuple[Use, ...] | None = None    # None: the same as uses; (): the word never permits

    def about(self, preference: Preference) -> tuple[Use, ...]:
        if preference is Preference.ALLOW and self.allow_uses is not None:
            return self.allow_uses
        return self.uses


TERMS: dict[tuple[str, str], Term] = {(t.protocol, t.word): t for t in (
    # Robots Exclusion Protocol
    Term("rep", "allow", (Use.CRAWL,), "RFC 9309, 2.2.2"),
    Term("rep", "disallow", (Use.CRAWL,), "RFC 9309, 2.2.2"),
    # AIPREF: "train-ai" speaks of generative models only
    Term("aipref", "train-ai", (Use.TRAIN_GENAI,), "draft-ietf-aipref-vocab-08, 4.1"),
    Term("aipref", "ai-use", (Use.AI_USE,), "draft-ietf-aipref-vocab-08, 4.2"),
    Term("aipref", "search", (Use.SEARCH,), "draft-ietf-aipref-vocab-08, 4.3"),
    Term("aipref", "tdm", (Use.TDM,), "draft-ietf-aipref-vocab-01", Form.LEGACY, ()),
    Term("aipref", "bots", (Use.TDM,), "draft-ietf-aipref-vocab-03", Form.LEGACY, ()),
    Term("aipref", "all", (Use.TDM,), "draft-ietf-aipref-vocab-02", Form.LEGACY, ()),
    Term("aipref", "ai", (Use.TRAIN_AI,), "draft-ietf-aipref-vocab-01", Form.LEGACY, ()),
    Term("aipref", "genai", (Use.TRAIN_GENAI,), "draft-ietf-aipref-vocab-01", Form.LEGACY, ()),
    Term("aipref", "train-genai", (Use.TRAIN_GENAI,), "draft-ietf-aipref-vocab-02", Form.LEGACY, ()),
    Term("aipref", "inference", (Use.AI_USE,), "draft-ietf-aipref-vocab-01", Form.LEGACY, ()),
    Term("aipref", "ai-output", (Use.AI_USE,), "draft-ietf-aipref-vocab-04", Form.LEGACY, ()),
    # Content Signals
    Term("content-signal", "search", (Use.SEARCH,), "Content Signals Policy, 2025-09-24"),
    Term("content-signal", "ai-input", (Use.AI_USE,), "Content Signals Policy, 2025-09-24"),
    Term("content-signal", "ai-train", (Use.TRAIN_AI,), "Content Signals Policy, 2025-09-24"),
    Term("content-signal", "use=immediate", (Use.SEARCH, Use.TRAIN_AI), "Content Signals, use, 2026-07-01", allow_uses=()),
    Term("content-signal", "use=reference", (Use.AI_USE,), "Content Signals, use, 2026-07-01", allow_uses=()),
    # Robots meta and X-Robots-Tag
    Term("robots-meta", "noai", (Use.TRAIN_AI,), "DeviantArt, 2022-11-11", allow_uses=()),
    Term("robots-meta", "noimageai", (Use.TRAIN_AI,), "DeviantArt, 2022-11-11", allow_uses=()),
    Term("robots-meta", "disallowaitraining", (Use.TRAIN_AI,), "draft-canel-robots-ai-control-00", Form.LEGACY, ()),
    Term("robots-meta", "noindex", (Use.SEARCH,), "draft-illyes-repext-00, 3", allow_uses=()),
    Term("robots-meta", "none", (Use.SEARCH,), "draft-illyes-repext-00, 3", allow_uses=()),
    Term("robots-meta", "noimageindex", (Use.SEARCH,), "Google, robots meta tag", allow_uses=()),
    Term("robots-meta", "nosnippet", (Use.AI_USE,), "draft-illyes-repext-00, 3", allow_uses=()),
    Term("robots-meta", "noml", (Use.TRAIN_AI,), "Mojeek, noml proposal, 2023", allow_uses=()),
    # The same field and metas, read by one operator in its own way: word@operator
    Term("robots-meta", "noarchive@microsoft", (Use.TRAIN_GENAI, Use.AI_USE), "Bing, 2023-09-22", allow_uses=()),
    Term("robots-meta", "nocache@microsoft", (Use.TRAIN_GENAI, Use.AI_USE), "Bing, 2023-09-22", allow_uses=()),
    Term("robots-meta", "noarchive@amazon", (Use.TRAIN_AI,), "developer.amazon.com/amazonbot", allow_uses=()),
    # robots.txt rules that speak of training
    Term("robots-ai", "disallowaitraining", (Use.TRAIN_AI,), "draft-canel-robots-ai-control-00", Form.LEGACY, ()),
    Term("robots-ai", "allowaitraining", (Use.TRAIN_AI,), "draft-canel-robots-ai-control-00", Form.LEGACY),
    # Natural language (rules/phrases.py): what a notice speaks of
    Term("prose", "training", (Use.TRAIN_AI,), "OURS", Form.PROSE, ()),
    Term("prose", "mining", (Use.TDM,), "OURS", Form.PROSE, ()),
    Term("prose", "ai", (Use.TRAIN_AI, Use.AI_USE), "OURS", Form.PROSE, ()),
    # TDMRep
    Term("tdmrep", "tdm-reservation", (Use.TDM,), "TDMRep CG-FINAL-2024-05-10, 5.1"),
    # PLUS Data Mining, in XMP. A word that refers to further terms prohibits as the plain one does
    Term("plus", "dmi-allowed", (Use.TDM,), "IPTC Photo Metadata 2023.1, Data Mining"),
    Term("plus", "dmi-prohibited-aimltraining", (Use.TRAIN_AI,), "IPTC Photo Metadata 2023.1, Data Mining", allow_uses=()),
    Term("plus", "dmi-prohibited-genaimltraining", (Use.TRAIN_GENAI,), "IPTC Photo Metadata 2023.1, Data Mining",
         allow_uses=()),
    Term("plus", "dmi-prohibited-exceptsearchengineindexing", (Use.TDM,), "IPTC Photo Metadata 2023.1, Data Mining",
         allow_uses=(Use.SEARCH,)),
    *(Term("plus", word, (Use.TDM, Use.SEARCH), "IPTC Photo Metadata 2023.1, Data Mining", allow_uses=())
      for word in ("dmi-prohibited", "dmi-prohibited-seeconstraint", "dmi-prohibited-seeembeddedrightsexpr",
                   "dmi-prohibited-seelinkedrightsexpr")),
    # RSL: "all" is stated about other mining alone where narrower words say otherwise of AI
    Term("rsl", "all", (Use.SEARCH, Use.TDM, Use.TDM_OTHER), "RSL 1.0, 3.4.1.1"),
    Term("rsl", "ai-all", (Use.TRAIN_AI, Use.AI_USE), "RSL 1.0, 3.4.1.1"),
    Term("rsl", "ai-train", (Use.TRAIN_AI,), "RSL 1.0, 3.4.1.1"),
    Term("rsl", "ai-input", (Use.AI_USE,), "RSL 1.0, 3.4.1.1"),
    Term("rsl", "ai-index", (Use.AI_USE,), "RSL 1.0, 3.4.1.1", allow_uses=()),
    Term("rsl", "search", (Use.SEARCH,), "RSL 1.0, 3.4.1.1"),
    Term("rsl", "train-ai", (Use.TRAIN_AI,), "RSL 0.9", Form.LEGACY),
    # Files at the root of a site
    Term("ai-txt", "allow", (Use.TRAIN_AI,), "Spawning, ai.txt, 2023-05-30"),
    Term("ai-txt", "disallow", (Use.TRAIN_AI,), "Spawning, ai.txt, 2023-05-30"),
    Term("trust-txt", "datatrainingallowed", (Use.TRAIN_AI,), "JournalList, trust.txt"),
    # Licences by address (rules/creative_commons.py). With conditions a word is a no that has terms; CC0 and the mark allow
    *(Term("licence", code, (Use.TDM,), "Creative Commons, legal code 4.0, 2", allow_uses=())
      for code in ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")),
    *(Term("licence", code, (Use.TDM,), "Creative Commons, retired licences", Form.LEGACY, ())
      for code in ("sa", "nd", "nc-sa", "nc-nd", "sampling", "sampling+", "nc-sampling+", "devnations")),
    Term("licence", "nc", (Use.TDM,), "Creative Commons, retired licences", Form.LEGACY),
    Term("licence", "zero", (Use.TDM,), "CC0 1.0 Universal, 2 and 3"),
    Term("licence", "mark", (Use.TDM,), "Public Domain Mark 1.0"),
    # ONIX: list 145, usage types
    Term("onix", "11", (Use.TDM,), "ONIX code lists, 145"),
    # C2PA manifests. A permission needs a valid signature, which no reader looks at
    Term("cawg", "data_mining", (Use.TDM,), "CAWG Training and Data Mining 1.1", allow_uses=()),
    Term("cawg", "ai_inference", (Use.AI_USE,), "CAWG Training and Data Mining 1.1", allow_uses=()),
    Term("cawg", "ai_training", (Use.TRAIN_OTHER,), "CAWG Training and Data Mining 1.1", allow_uses=()),
    Term("cawg", "ai_generative_training", (Use.TRAIN_GENAI,), "CAWG Training and Data Mining 1.1", allow_uses=()),
    # Registers that the operator supplies name uses as maymine does
    *(Term("register", use.value, (use,), "OURS") for use in Use),
    # What accounts on social networks say
    Term("account", "indexable", (Use.SEARCH,), "Mastodon, ActivityPub, toot:indexable"),
    Term("account", "noindex", (Use.SEARCH,), "Mastodon, REST API, Account", allow_uses=()),
    Term("user-intents", "syntheticcontentgeneration", (Use.TRAIN_GENAI, Use.AI_USE), "Bluesky proposal 0008"),
    Term("user-intents", "bulkdataset", (Use.TDM_OTHER,), "Bluesky proposal 0008", allow_uses=()),
    Term("preference-ai", "training", (Use.TRAIN_AI,), "community.lexicon.preference.ai"),
    Term("preference-ai", "inference", (Use.AI_USE,), "community.lexicon.preference.ai"),
    Term("preference-ai", "syntheticcontent", (Use.TRAIN_GENAI,), "community.lexicon.preference.ai"),
    Term("preference-ai", "embedding", (Use.AI_USE,), "community.lexicon.preference.ai"),
)}


def meaning(protocol: str, word: str) -> Term | None:
    """The row for a word, lower case; None for a word that the protocol does not have."""
    return TERMS.get((protocol, word))
