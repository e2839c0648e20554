"""The desk: the application that volunteers and organisers look at."""
