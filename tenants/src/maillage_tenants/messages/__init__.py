"""Messages: texts and e-mails of the cooperative, written with what caused them."""
