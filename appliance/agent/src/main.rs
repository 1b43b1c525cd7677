//! ravelin-agent.

fn main() {}
