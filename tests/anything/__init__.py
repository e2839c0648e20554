"""Any command in any order: one generator for the property tests of rules, authority and desk."""
