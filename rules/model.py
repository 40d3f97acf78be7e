"""The nouns, in the order in which data meets them. Frozen values, standard library only.

    bytes -> Evidence -> Statement | Fault | Circumstance -> Reason -> Decision -> Assessment -> record
"""
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum


class _Word(Enum):
    """One of a few words. A member is one object, also when it is copied or sent to another process, so it hashes as such."""
    __hash__ = object.__hash__


class Carrier(_Word):
    """Where words about an asset can be found."""
    ROBOTS_TXT = "robots.txt"
    TDMREP_JSON = "tdmrep.json"
    AI_TXT = "ai.txt"
    TRUST_TXT = "trust.txt"
    LLMS_TXT = "llms.txt"
    HTTP_FIELDS = "http-fields"      # status line, if known, and header lines, as received
    BODY = "body"                    # the asset's own bytes; readers sniff what they are
    EMBEDDING_FIELDS = "embedding-fields"    # header lines of the page in which the asset is embedded
    EMBEDDING_PAGE = "embedding-page"        # that page; read for words about what is embedded in it alone
    RSL = "rsl"                      # a licence document that one of the others refers to
    TDM_POLICY = "tdm-policy"        # a TDMRep policy that one of the others refers to
    TERMS_PAGE = "terms-page"        # terms of use of the site, for people
    FEED = "feed"                    # a feed of which the asset is an entry
    ACCOUNT = "account"              # what a social network says of the author, as JSON
    REGISTER = "register"            # entries of the operator's registers that speak of the asset, as JSON Lines


class Access(_Word):
    """How asking for a carrier ended (RFC 9309, 2.3.1). Every value but the first and the third is a Fault too."""
    OBTAINED = "obtained"
    TRUNCATED = "truncated"          # the first bytes of more; they are read
    UNAVAILABLE = "unavailable"      # the server says that there is none (4xx)
    REFUSED = "refused"              # the server will not show it to us (401, 403)
    UNREACHABLE = "unreachable"      # 5xx, 429 or no connection: nobody can know
    NOT_COLLECTED = "not-collected"  # never asked for, or the archive did not keep it
    STALE = "stale"                  # from another time than the asset; it is read


READABLE = frozenset({Access.OBTAINED, Access.TRUNCATED, Access.STALE})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Bytes as they were received from one place at one time, or the failure to get them."""
    carrier: Carrier
    uri: str
    at: datetime | None              # aware, UTC; when the last byte arrived; None: not known
    access: Access
    body: bytes = b""                # after content-coding is undone, before any decoding
    status: int | None = None        # HTTP status of the last hop
    final_uri: str = ""              # where redirects led to, if elsewhere
    detail: str = ""                 # why access failed, for a person
    recorded: str = ""               # the digest, where the bytes themselves were not kept

    @property
    def has_bytes(self) -> bool:
        return self.access in READABLE

    @property
    def digest(self) -> str:
        """"sha256:" and hexadecimal digits; "" where nothing was obtained."""
        if self.recorded or not self.has_bytes:
            return self.recorded
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A digital file or stream of data (AIPREF vocab, 2)."""
    url: str
    media_type: str = ""             # essence of Content-Type, lower case; "" if not known
    embedder: str = ""               # URL of the page on which it was found, if any
    variant_of: str = ""             # URL of the original, where this is a smaller or cut copy of another file


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. What a statement may single out about an asker stands here and nowhere else."""
    token: str                       # RFC 9309 product token
    commercial: bool = True          # RSL `user`, CC NC; commercial where nothing is said
    country: str = ""                # ISO 3166-1 alpha-2, upper case; "" if not known


class Use(_Word):
    """Category of use. The first six are atoms; what the others are made of stands in vocab.ATOMS."""
    CRAWL = "crawl"
    SEARCH = "search"
    TRAIN_GENAI = "train-genai"
    TRAIN_OTHER = "train-other"
    AI_USE = "ai-use"
    TDM_OTHER = "tdm-other"
    TRAIN_AI = "train-ai"
    TDM = "tdm"


class Preference(_Word):
    """Explicit preference (AIPREF vocab, 3). Silence is the absence of a Statement."""
    ALLOW = "allow"
    DISALLOW = "disallow"


class Audience(_Word):
    """To whom a statement is addressed, seen from the asker."""
    YOU = "you"
    EVERYONE = "everyone"
    MANY_AI_TRAINING = "many-ai-training"    # crawlers for training or data sets, of limits.MANY_OPERATORS or more
    SOME_AI_TRAINING = "some-ai-training"    # of fewer
    OTHER = "other"


class Form(_Word):
    """How well the words keep to their specification. Policies may ask for it."""
    EXACT = "exact"
    LENIENT = "lenient"              # a known deviation; `note` names it
    LEGACY = "legacy"                # an older revision of the specification
    PROSE = "prose"                  # natural language


class Subject(_Word):
    """What a statement speaks of."""
    ASSET = "asset"
    EMBEDDED = "embedded"            # media embedded in the asset, not its own text


@dataclass(frozen=True, slots=True)
class Terms:
    """Where and for what leave may be had, as the publisher wrote it. Nothing here is fetched or accepted by being read."""
    url: str = ""                    # tdm-policy, licence document
    conditions: tuple[str, ...] = () # words of the protocol: "attribution", "use=reference", "obtainConsent"
    payment: str = ""                # RSL payment type
    amount: str = ""                 # decimal, as written
    currency: str = ""               # ISO 4217
    server: str = ""                 # licence server


@dataclass(frozen=True, slots=True)
class Statement:
    """Statement of preference: one party, one use, one answer, and where it stands written."""
    signal: str                      # row of signals.SIGNALS
    use: Use
    preference: Preference
    audience: Audience = Audience.EVERYONE
    form: Form = Form.EXACT
    subject: Subject = Subject.ASSET
    terms: Terms | None = None
    where: str = ""                  # "line 7", "rule 2", "meta 3", "jpeg/app1"
    quote: str = ""                  # at most limits.QUOTE_CHARS characters
    note: str = ""                   # which deviation, for forms other than exact
    superseded_by: str = ""          # signal that takes its place inside the protocol


@dataclass(frozen=True, slots=True)
class Reference:
    """One place says that there are words in another. It is no finding: a document that nobody fetched is a Fault."""
    carrier: Carrier                 # what is to be found there
    uri: str                         # absolute
    where: str                       # who says so: "robots.txt line 3", "link 1"
    needed: bool = True              # False: what stands there can only add to words that count without it


class FaultKind(_Word):
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NOT_COLLECTED = "not-collected"
    MALFORMED = "malformed"
    MISSING = "missing"              # words refer to it, and the server says that there is none
    INSTEAD = "instead"              # something of another kind came in its place: a page for a site file
    TRUNCATED = "truncated"
    STALE = "stale"
    UNRESOLVED = "unresolved"        # its answer hangs on what was not told: the asker's country, a token we cannot name


@dataclass(frozen=True, slots=True)
class Fault:
    """A carrier that could have spoken did not reach us whole, or cannot be answered with what is known."""
    carrier: Carrier
    kind: FaultKind
    detail: str = ""
    where: str = ""


class CircumstanceKind(_Word):
    """A fact about the asset that a law may ask for and that is no preference."""
    PAYWALLED = "paywalled"
    TECHNICAL_BARRIER = "technical-barrier"
    LEGALLY_BLOCKED = "legally-blocked"
    INFRINGING_SOURCE = "infringing-source"
    LICENSED_MARKET = "licensed-market"
    PUBLIC_DOMAIN = "public-domain"
    LICENCE_UNREAD = "licence-unread"    # it has terms of its own, which no reader here knows
    REPERTOIRE = "repertoire"        # a collecting society says that it is of its repertoire
    COMMERCIAL_PURPOSE = "commercial-purpose"    # of the asker, where the policy is made for another
    WITHOUT_EFFECT = "without-effect"    # an entry of a register that is out of its time, or does not say for what it is


@dataclass(frozen=True, slots=True)
class Circumstance:
    kind: CircumstanceKind
    source: str                      # "http-fields", or the register that says so
    where: str = ""
    quote: str = ""
    terms: Terms | None = None


Finding = Statement | Fault | Circumstance


class Effect(IntEnum):
    """What one rule makes of one finding, weakest first. A decision is the maximum."""
    IGNORE = 0
    PERMIT = 1
    HOLD = 2
    PROHIBIT = 3
    AGREED = 4                       # a licence or contract overrides (AIPREF vocab, 'More Specific Instructions')


class Verdict(_Word):
    PERMITTED = "permitted"
    UNDETERMINED = "undetermined"
    PROHIBITED = "prohibited"


class Duty(_Word):
    """What a permission asks for in return."""
    REMUNERATE = "remunerate"
    RECORD_USE = "record-use"
    ATTRIBUTE = "attribute"
    SHARE_ALIKE = "share-alike"
    DELETE_AFTER_USE = "delete-after-use"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Reason:
    finding: int                     # index into Assessment.findings
    rule: str                        # row of the policy, or "superseded"
    effect: Effect


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict about one use. With no reason above `ignore` the policy's row `silence` decided."""
    verdict: Verdict
    reasons: tuple[Reason, ...]      # every finding that bears on this use, in order of finding
    duties: tuple[Duty, ...] = ()
    terms: tuple[Terms, ...] = ()    # of the deciding statements, each once

    @property
    def decisive(self) -> tuple[Reason, ...]:
        top = max((r.effect for r in self.reasons), default=Effect.IGNORE)
        return tuple(r for r in self.reasons if r.effect == top > Effect.IGNORE)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that went into the decisions and all that came out; `record` writes it down."""
    asset: Asset
    asker: Asker
    policy: str                      # "eu-dsm-art4@2026-11-26"
    policy_digest: str
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    decisions: Mapping[Use, Decision] = field(default_factory=dict)
