"""May this asset be mined, and why? Bytes and values in, values out: no clock, no network, no Scrapy."""
from .assess import assess, find, judge
from .explain import Explanation, explain
from .model import (
    Access,
    Asker,
    Assessment,
    Asset,
    Audience,
    Carrier,
    Circumstance,
    CircumstanceKind,
    Decision,
    Duty,
    Effect,
    Evidence,
    Fault,
    FaultKind,
    Finding,
    Form,
    Preference,
    Reason,
    Statement,
    Subject,
    Terms,
    Use,
    Verdict,
)
from .policy import Policy, PolicyError, load_policy
from .record import from_record, to_record

__all__ = [
    "assess", "find", "judge", "explain", "load_policy", "to_record", "from_record",
    "Asset", "Asker", "Evidence", "Carrier", "Access",
    "Finding", "Statement", "Use", "Preference", "Audience", "Form", "Subject", "Terms",
    "Fault", "FaultKind", "Circumstance", "CircumstanceKind",
    "Policy", "PolicyError", "Effect", "Reason", "Decision", "Verdict", "Duty", "Assessment", "Explanation",
]
