"""VERIFY.md of an audit pack."""

VERIFY = """# How to check this pack

It holds {sample} of the {records} records of a run of maymine ({engine}), with the evidence that each was decided from. It was
made on {made}. You need not trust whoever made it, but for what the last section says.

    root of the run: {root}
    seed:            {seed}

## By hand

    sha256sum --check SHA256SUMS        # no byte has changed since the pack was made
    sha256sum head.json                 # {digits}

The second digest is the root of the run. Compare it with the one that you were given, from another place than this pack, and
before anybody knew the seed.

`evidence/*.warc.gz` opens in any WARC tool, `records.jsonl` holds a record a line, and `policies/*.yaml` are the rules as they
were.

## By maymine

    maymine audit-pack verify . --root {root}

checks the following, and decides each record again from its evidence, by the policies as they were:

1. Every file has the digest that stands in SHA256SUMS, and no file is there that does not stand in it.
2. head.json has the digest that you give, so it is the run that was announced.
3. The sample is the one that the root and the seed give. Place n of it is SHA-256 of this text of four lines, without a line
   feed at its end, read as a number of 256 bits, modulo {records}; a place that was drawn before is passed over:

       maymine/sample/1
       {root}
       {seed}
       n (0, 1, 2, ... in digits)

4. Each record stands at its place among all records of the run: a leaf is SHA-256 of a zero byte and the line of records.jsonl
   without its line feed, a node is SHA-256 of a byte of value one and its two children (RFC 6962, 2.1); the proof in
   sample.json leads from the leaf to merkle_root in head.json.
5. Each piece of evidence has the digest that stands in the record, each policy the one that stands in the record and the head.
6. The record that comes out of the evidence and the policy is the record of the pack, byte for byte.

## What it cannot show

- That the run holds every page that was fetched, or that what was fetched went into a data set. It shows which pages the run
  answers for, and that the answers follow from the evidence.
- That a server sent these bytes. The pack shows which bytes decided; their like can be asked for elsewhere, in web archives.
- What registers of the operator hold beside the entries that spoke of these pages; head.json names the registers by digest.
- Anything about the choice of pages, if whoever made the pack knew the seed before the root was fixed. Choose the seed
  yourself, after you have the root.
"""
