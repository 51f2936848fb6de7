"""Images of a PACS harmonized over DICOMweb (PS3.18): a door; its commands are in ``cli/pacs.py``."""
