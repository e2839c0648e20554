"""Tests of the programme that builds and checks the project, and of the rules that hold its rooms apart."""
