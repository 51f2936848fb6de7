"""The study: a classifier of one site, tested on another's images, raw and harmonized by every method."""
