//! Builds and embeds the eBPF objects.
