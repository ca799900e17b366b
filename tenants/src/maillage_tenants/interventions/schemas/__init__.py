"""The API's types of this domain: `coverage` and `cases`."""
