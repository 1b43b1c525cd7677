//! The flow cache as user space writes it and the programs read it.

mod adopting;
mod finding;
mod ground;
mod many;
mod ports;
mod resizing;
