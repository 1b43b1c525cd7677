//! Shows what the kernel tells of network cards. Usage: probe INTERFACE...

#![allow(clippy::print_stdout, reason = "it is to be read")]

use ravelin_kernel::NetworkCards;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cards = NetworkCards::open()?;
    for interface in std::env::args().skip(1) {
        println!("{:#?}", cards.probe(&interface)?);
    }
    Ok(())
}
