"""Every cap on input, with its source. What lies beyond a cap is a Fault, never silence."""

# Bodies
ROBOTS_BYTES = 512_000       # RFC 9309, 2.5: at least 500 KiB; cut at the last complete line
ROBOTS_LINE_BYTES = 16_663   # PRACTICE: google/robotstxt, 8 x 2083 - 1
TDMREP_BYTES = 1 << 20       # OURS
TDMREP_RULES = 10_000        # OURS
RSL_BYTES = 256 << 10        # OURS
RSL_DEPTH = 32               # OURS: elements inside one another
RSL_CONTENTS = 5_000         # OURS: in one document
RSL_REFERENCES = 20          # OURS: followed from one place
TDM_POLICY_BYTES = 256 << 10 # OURS
TDM_PERMISSIONS = 100        # OURS: in one policy
AI_TXT_BYTES = 128 << 10     # OURS; of trust.txt, too
HTML_BYTES = 4 << 20         # OURS: more than 99.9 % of real pages
HTML_ELEMENTS = 5_000        # OURS: metas, links and scripts looked at
HTML_DEPTH = 512             # OURS: ancestors looked at, to tell what an element speaks of
METADATA_ELEMENTS = 500      # OURS: licence links of a page, elements of its microdata, its Dublin Core
METADATA_DEPTH = 60          # OURS: items inside one another
METADATA_REFERENCES = 25     # OURS: of its microdata, by itemref
METADATA_VALUES = 20_000     # OURS: values of its metadata looked at
JSON_LD_BYTES = 1 << 19      # OURS: of blocks that hold a word that is read
FEED_BYTES = 4 << 20         # OURS
FEED_DEPTH = 64              # OURS
ACCOUNT_BYTES = 1 << 20      # OURS
REGISTER_BYTES = 4 << 20     # OURS: entries that speak of one asset
REGISTER_LINE_BYTES = 64 << 10   # OURS: of one entry
FIELD_BYTES = 8_192          # draft-illyes-repext, 5: parse at least 8 KiB of a field
FIELD_LINES_BYTES = 1 << 16   # OURS: all lines of one field
FIELDS_BYTES = 1 << 20       # OURS: the whole header section
FIELD_LINES = 1_000          # OURS
MEDIA_BYTES = 32 << 20       # OURS: whole bodies kept by the crawler
XMP_BYTES = 8 << 20          # OURS: all packets of one file, inflated; the same for IIM
XMP_TAGS = 100_000           # OURS: in one packet
XMP_PROPERTIES = 1_000       # OURS: with different values, of those that are read, in one packet
XMP_DEPTH = 100              # OURS: elements inside one another
JUMBF_BYTES = 32 << 20       # OURS: all manifest stores of one file
MEDIA_PARTS = 64             # OURS: of each sort in one file
CHUNKS = 100_000             # OURS: chunks, boxes, segments or frames that are stepped over
SVG_BYTES = 8 << 20          # OURS: of one that could hold metadata
SVG_TAGS = 200_000           # OURS
SVG_DEPTH = 200              # OURS: elements inside one another
SUB_BLOCKS = 500_000         # OURS: blocks of 255 bytes at most, in GIF
TIFF_DIRECTORIES = 200       # OURS: in one chain, with those that it leads to
TIFF_TAGS = 50_000           # OURS: in all directories
ZIP_MEMBERS = 20_000         # OURS: of one archive
DOCUMENT_BYTES = 4 << 20     # OURS: of one member of an EPUB or an office document, inflated
DOCUMENT_DEPTH = 64          # OURS: elements inside one another
CARD_BYTES = 4 << 20         # OURS: of a card or a Croissant file
CARD_VALUES = 20             # OURS: of one key
PDF_BYTES = 32 << 20         # OURS: of one document, and of each stream in it, inflated
CBOR_DEPTH = 32              # OURS: items inside one another
CBOR_ITEMS = 20_000          # OURS: in one assertion
JUMBF_BOXES = 20_000         # OURS: in one manifest store
JUMBF_DEPTH = 16             # OURS: boxes inside one another
ASSERTION_BYTES = 1 << 20    # OURS: of one assertion about mining
ASSERTIONS = 500             # OURS: about mining, in one manifest store
PROSE_CHARS = 12_000         # OURS: of sentences that could be notices, in one text; some 5 us each
PROSE_SENTENCE_CHARS = 1_500 # OURS: longer sentences are read in parts
GATE_BYTES = 128 << 10       # OURS: longer pages are no walls
GATE_JSON_BYTES = 64 << 10   # OURS: a demand for payment
GATE_JSON_PARTS = 200        # OURS: lists and objects in it, and so their depth
WALL_TEXT_BYTES = 400        # OURS: visible ones, without white space, of a page that is a wall

# What findings keep
QUOTE_CHARS = 200            # OURS
DETAIL_CHARS = 300           # OURS
FINDINGS = 500               # OURS: per evidence; more is a Fault

# Judgement
MANY_OPERATORS = 3           # OURS: named training crawlers of so many operators speak for a stance, fewer may be a grudge

# Fetching
REDIRECTS = 5                # RFC 9309, 2.3.1.2
SITE_CACHE_S = 86_400        # RFC 9309, 2.4
SITE_TIMEOUT_S = 30          # OURS
SITE_RETRY_S = 300           # OURS: a site that did not answer is asked again after
SITES_CACHED = 20_000        # OURS: sites whose evidence is kept in memory
DOCUMENTS_OF_HOST = 20       # OURS: licences and policies asked for of one host in a day
DOCUMENTS_CACHED = 1_000     # OURS: licences and policies kept in memory
SITEMAP_BYTES = 52_428_800   # sitemaps.org, protocol: 50 MB, uncompressed
SITEMAP_URLS = 50_000        # sitemaps.org, protocol: in one file
SITEMAPS = 500               # OURS: files in one crawl of a site
LINKS = 2_000                # OURS: followed from one page
MEDIA_OF_PAGE = 500          # OURS: images and documents followed from one page
URL_CHARS = 2_083            # Scrapy, URLLENGTH_LIMIT
MEMO_BYTES = 16 << 20        # OURS: parsed carriers kept by each reader, counted in bytes of input
