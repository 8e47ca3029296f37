//! Holds no code: the tests lie in `tests/`.
