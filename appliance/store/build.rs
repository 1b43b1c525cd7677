//! Builds anew when a migration comes: `sqlx::migrate!` alone does not notice a new file.

#![expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
