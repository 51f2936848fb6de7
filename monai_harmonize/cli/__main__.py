"""``python -m monai_harmonize.cli`` is the command ``monai-harmonize``."""

from monai_harmonize.cli.app import app

if __name__ == "__main__":
    app(prog_name="monai-harmonize")
