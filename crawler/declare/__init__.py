"""What rightsholders write about mining: into their own files, with nothing else in them touched, and for sites (site/)."""
