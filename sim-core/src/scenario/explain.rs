//! What a field of the format means.
