"""What a site says to machines, made from a few plain wishes, for the server or the host that its owner has.

    intent.py     the wishes, checked and in one form
    words.py      what each carrier says: robots.txt, tdmrep.json, ODRL, RSL, ai.txt, trust.txt, response fields, metas
    merge.py      the same put into a robots.txt that is there already, of which nothing is lost
    targets.py    where it can be said: targets.yaml, one row a server or host
    syntax/       how each of them is configured: written, and read back
    kit.py        all of it together, read back by our own readers before a file is written
    served.py     what is served, compared with what was declared
"""
