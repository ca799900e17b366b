"""The desk: what rings, what waits, what is late, who is on call, on one live board; and the form of a new request."""
