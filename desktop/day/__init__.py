"""The day in memory as screens read it: which day, which status, which slots are open. Free of Qt's widgets."""
