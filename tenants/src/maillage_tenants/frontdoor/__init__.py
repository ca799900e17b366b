"""The front door: public pages of a cooperative: home, request of help, tracking, the quote to read and sign."""
