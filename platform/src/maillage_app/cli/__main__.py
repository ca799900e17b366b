"""`python -m maillage_app.cli`, which is what `./maillage` runs."""

from maillage_app.cli import main

main()
