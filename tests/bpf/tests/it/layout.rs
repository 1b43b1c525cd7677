//! The committed Rust mirror against the BTF of the objects.
