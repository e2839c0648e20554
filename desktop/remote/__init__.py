"""The server over HTTP: exchanges, pokes, enrolment, and where the token is kept."""
