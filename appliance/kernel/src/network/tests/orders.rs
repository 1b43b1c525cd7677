//! Single cases: what is done, in which order, and what is told of what is not.
