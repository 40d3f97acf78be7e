"""What rightsholders write: words about mining into their own files, without touching anything else in them."""
