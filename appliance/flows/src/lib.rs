//! Expires and counts the entries of the flow map.
