"""The artisan's phone: his offers and cases, one big button at a time, from « j’y vais » to the note."""
