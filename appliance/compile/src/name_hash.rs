//! Keyed hash of a name; the same numbers as ebpf/lib/name_hash.h.
