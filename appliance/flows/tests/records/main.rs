//! What is left of connections when they end: in the store, at a collector, and of real connections of the kernel.

mod collector;
mod exporting;
mod kernel;
mod storing;
mod support;
mod tshark;
