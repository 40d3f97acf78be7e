"""Audit of a site for its owner: what its carriers say, what is missing, broken, or goes against something else.

    visit.py  -->  Site  -->  checks_*.py: Site -> Found  -->  report.py: one JSON value  -->  renderers (crawler/report/)

Every finding has a row in findings.yaml (catalogue of kinds, statuses, fixes) and its sentences in
report/messages/audit.yaml.
"""
