//! Every packet is counted once, whoever forwards it.
